"""Puts the service together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from . import __version__, faults, problems, routes_kserve, routes_mlflow, routes_predict, routes_status
from .catalogue import detectors
from .edge import Edge
from .endpoint import Endpoint
from .faults import Faults
from .metrics import Metrics
from .predictor import Predictor
from .registration import Registration
from .settings import Settings


def create(settings: Settings) -> FastAPI:
    """Raises `ArtifactError` or ImportError where a model cannot be served."""
    metrics = Metrics()
    predictor = Predictor(detectors(settings.models, settings.backend), settings, metrics)
    ordered = Faults() if settings.has_faults else None
    endpoint = Endpoint(predictor, settings, metrics, ordered)
    registration = None
    if settings.mlflow is not None:
        registration = Registration(settings.mlflow, [detector.artifact for detector in predictor.detectors.values()])

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if registration is not None:
            registration.start()
        yield

    app = FastAPI(title="Digital Egiz model service", version=__version__, lifespan=lifespan)
    app.state.faults = ordered
    app.state.registration = registration
    app.add_middleware(Edge, metrics=metrics)
    problems.install(app)
    app.include_router(routes_predict.router(endpoint))
    app.include_router(routes_kserve.router(endpoint))
    app.include_router(routes_mlflow.router(endpoint))
    app.include_router(routes_status.router(predictor, metrics, registration))
    if ordered is not None:
        app.include_router(faults.router(ordered, settings.max_body))
    return app
