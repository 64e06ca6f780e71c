"""The protocol of MLflow's scoring server: `protocol: mlflow` of ml-caller."""

from typing import Any

from fastapi import APIRouter, Request, Response

from . import __version__
from .call import Call
from .endpoint import Endpoint, instances
from .problems import Problem

FORMS = ("dataframe_records", "dataframe_split", "instances", "inputs")


def router(endpoint: Endpoint) -> APIRouter:
    routes = APIRouter()
    predictor = endpoint.predictor

    @routes.get("/ping")
    async def ping() -> Response:
        return Response(b"\n", media_type="application/json")

    @routes.get("/version")
    async def version() -> Response:
        return Response(__version__, media_type="text/plain")

    @routes.post("/invocations")
    async def invocations(request: Request) -> Response:
        detector = predictor.only()

        def work(document: dict[str, Any], call: Call) -> tuple[dict[str, Any], str]:
            return {"predictions": predictor.predict(detector, records(document))}, detector.artifact.model_version

        return await endpoint.answer(request, work)

    return routes


def records(document: dict[str, Any]) -> list[Any]:
    """The instances, in whichever of MLflow's forms they come."""
    forms = [form for form in FORMS if form in document]
    if len(forms) != 1:
        raise Problem(422, "shape", f"found {' and '.join(forms) or 'none'}, expected one of {', '.join(FORMS)}")
    if forms[0] != "dataframe_split":
        return instances(document, forms[0])
    split = document["dataframe_split"]
    columns, data = (split.get("columns"), split.get("data")) if isinstance(split, dict) else (None, None)
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise Problem(422, "shape", "dataframe_split.columns: expected an array of texts")
    if not isinstance(data, list) or not data:
        raise Problem(422, "shape", "dataframe_split.data: expected an array with at least one row")
    if not all(isinstance(row, list) and len(row) == len(columns) for row in data):
        raise Problem(422, "shape", f"dataframe_split.data: expected rows of {len(columns)} members")
    return [dict(zip(columns, row)) for row in data]
