"""Health, models and metrics."""

from typing import Any

from fastapi import APIRouter, Response

from . import __version__
from .metrics import Metrics
from .model.features import INPUTS
from .predictor import Predictor
from .registration import Registration


def router(predictor: Predictor, metrics: Metrics, registration: Registration | None) -> APIRouter:
    routes = APIRouter()

    @routes.get("/health")
    async def health() -> dict[str, Any]:
        """200 as long as the service answers at all: models are loaded before it listens."""
        return {
            "status": "ok",
            "version": __version__,
            "models": {name: detector.artifact.model_version for name, detector in predictor.detectors.items()},
            "mlflow": None if registration is None else registration.state,
        }

    @routes.get("/models")
    async def models() -> dict[str, Any]:
        described = [
            {
                "name": name,
                "model_version": detector.artifact.model_version,
                "backend": detector.backend.name,
                "inputs": INPUTS,
                "columns": list(detector.artifact.columns),
                "threshold": detector.artifact.threshold,
                "training": detector.artifact.training,
                "mlflow": None if registration is None else registration.versions.get(name),
            }
            for name, detector in predictor.detectors.items()
        ]
        return {"models": described}

    @routes.get("/metrics")
    async def text() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    return routes
