"""What the tests share: the service without a socket, the repository's schemas, and features of well and ill machines."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from egiz_ml_service.app import create
from egiz_ml_service.settings import Settings

SCHEMAS = Path(__file__).resolve().parents[4] / "Schemas"
MODEL = "nozzle-anomaly"
PREDICT = f"/predict/{MODEL}"


def service(**settings: Any) -> TestClient:
    """The service with settings of a test's own; an exception inside is an answer 500, as over a socket."""
    return TestClient(create(Settings(**{"backend": "numpy", **settings})), raise_server_exceptions=False)


@pytest.fixture
def client() -> Iterator[TestClient]:
    with service() as client:
        yield client


@pytest.fixture(scope="session")
def check() -> Callable[[str, Any], None]:
    """Raises where a document does not fit the schema of that name."""
    documents = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema.json")}
    registry = Registry().with_resources([(d["$id"], Resource.from_contents(d)) for d in documents.values()])

    def validate(name: str, document: Any) -> None:
        Draft202012Validator(documents[f"{name}.v1.schema.json"], registry=registry).validate(document)

    return validate


def well(**changes: Any) -> dict[str, Any]:
    """A machine in the middle of a cycle, with everything the task can deliver."""
    flow = [[-4.0 + 0.4 * n, 580.0 + n % 3] for n in range(11)]
    pressure = [[time, 34.4] for time, _ in flow]
    return {"volumes": [500.4, 500.1, 500.9, 500.3], "speed": 33.5, "level": 61.0, "flow": flow, "pressure": pressure, **changes}


def ill(**changes: Any) -> dict[str, Any]:
    """The same machine with its third nozzle clogged."""
    return well(volumes=[500.4, 500.1, 471.0, 500.3], speed=25.6, **changes)
