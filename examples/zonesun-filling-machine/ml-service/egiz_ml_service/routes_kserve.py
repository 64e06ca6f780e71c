"""KServe's protocol, version 1: `protocol: kserve` of ml-caller."""

from typing import Any

from fastapi import APIRouter, Request, Response

from .call import Call
from .endpoint import Endpoint, instances


def router(endpoint: Endpoint) -> APIRouter:
    routes = APIRouter()
    predictor = endpoint.predictor

    @routes.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"models": list(predictor.detectors)}

    @routes.get("/v1/models/{model}")
    async def ready(model: str) -> dict[str, Any]:
        return {"name": predictor.detector(model).artifact.name, "ready": True}

    @routes.post("/v1/models/{model}:predict")
    async def predict(model: str, request: Request) -> Response:
        detector = predictor.detector(model)

        def work(document: dict[str, Any], call: Call) -> tuple[dict[str, Any], str]:
            return {"predictions": predictor.predict(detector, instances(document))}, detector.artifact.model_version

        return await endpoint.answer(request, work)

    return routes
