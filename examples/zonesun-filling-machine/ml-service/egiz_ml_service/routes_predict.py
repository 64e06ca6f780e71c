"""Digital Egiz' own protocol, `protocol: egiz` of ml-caller: the batch form and the single form."""

import json
import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from .call import Call
from .endpoint import Endpoint, instances
from .model.detector import Detector
from .problems import Problem

#: Of prediction ids, which are UUIDs of version 5.
NAMESPACE = uuid.UUID("5f0c6a5e-8f0b-5a57-9d0c-5b1f7c2f4e11")


def router(endpoint: Endpoint) -> APIRouter:
    routes = APIRouter()
    predictor = endpoint.predictor

    @routes.post("/predict/{model}")
    async def predict(model: str, request: Request) -> Response:
        """Batch `{"instances", "ids", "metadata"}` or single `{"features", "metadata"}`."""
        detector = predictor.detector(model)

        def work(document: dict[str, Any], call: Call) -> tuple[dict[str, Any], str]:
            check_version(document, detector)
            if "features" in document and "instances" not in document:
                return single(endpoint, document, call, detector), detector.artifact.model_version
            return batch(endpoint, document, detector), detector.artifact.model_version

        return await endpoint.answer(request, work)

    @routes.post("/predict")
    async def predict_single(request: Request) -> Response:
        """Single `{"model_id", "features", "metadata"}`."""

        def work(document: dict[str, Any], call: Call) -> tuple[dict[str, Any], str]:
            model = document.get("model_id")
            if not isinstance(model, str):
                raise Problem(422, "shape", "model_id: expected text")
            detector = predictor.detector(model)
            check_version(document, detector)
            return single(endpoint, document, call, detector), detector.artifact.model_version

        return await endpoint.answer(request, work)

    return routes


def batch(endpoint: Endpoint, document: dict[str, Any], detector: Detector) -> dict[str, Any]:
    values = instances(document)
    for name, kind in (("ids", str), ("metadata", (dict, type(None)))):
        companions = document.get(name)
        if companions is None:
            continue
        if not isinstance(companions, list) or len(companions) != len(values):
            raise Problem(422, "shape", f"{name}: expected an array of {len(values)} members, as instances has")
        if not all(isinstance(companion, kind) for companion in companions):
            raise Problem(422, "shape", f"{name}: expected {'text' if name == 'ids' else 'an object or null'} in every place")
    answer = {
        "predictions": endpoint.predictor.predict(detector, values),
        "model": detector.artifact.name,
        "model_version": detector.artifact.model_version,
    }
    # Sent back so that a caller can see that answers stand in the order of its questions.
    return answer if document.get("ids") is None else {**answer, "ids": document["ids"]}


def single(endpoint: Endpoint, document: dict[str, Any], call: Call, detector: Detector) -> dict[str, Any]:
    name = detector.artifact.name
    if document.get("model_id", name) != name:
        raise Problem(422, "shape", f"model_id: found {document['model_id']!r}, the path says {name!r}")
    if not isinstance(document.get("metadata"), (dict, type(None))):
        raise Problem(422, "shape", "metadata: expected an object or null")
    if "features" not in document:
        raise Problem(422, "shape", "features: expected an object")
    prediction = endpoint.predictor.predict(detector, [document["features"]])[0]
    if (error := prediction.get("error")) is not None:
        # There is no other instance to save: the request as a whole is wrong.
        raise Problem(500 if error["code"] == "model" else 422, error["code"], error["message"], feature=error["feature"])
    # Equal questions to equal models have equal ids, however often they are asked.
    about = [detector.artifact.model_version, call.key, document["features"], document.get("metadata")]
    return {
        "prediction_id": str(uuid.uuid5(NAMESPACE, json.dumps(about, sort_keys=True))),
        "model_id": name,
        "model_version": detector.artifact.model_version,
        "predictions": prediction,
    }


def check_version(document: dict[str, Any], detector: Detector) -> None:
    """A caller that counts on one version says so and gets a 409 from another: whole, or the part before the `+`."""
    wanted = document.get("model_version")
    found = detector.artifact.model_version
    if wanted is not None and wanted not in (found, detector.artifact.version):
        raise Problem(409, "model-version", f"found model_version {wanted!r}, this is {found}", model_version=found)
