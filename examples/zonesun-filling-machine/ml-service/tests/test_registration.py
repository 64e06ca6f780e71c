"""MLflow: registered once, and never in the way."""

import sys
from pathlib import Path

import pytest
from conftest import MODEL, PREDICT, service, well
from egiz_ml_service.catalogue import MODELS
from egiz_ml_service.model.artifact import Artifact, load
from egiz_ml_service.registration import DIGEST, Registration, register


def registered(client) -> dict:
    """What `/health` says when the registration has ended; the service serves meanwhile."""
    assert client.post(PREDICT, json={"instances": [well()]}).status_code == 200
    client.app.state.registration.wait(300)
    return client.get("/health").json()


def test_without_a_tracking_uri_nothing_is_registered(client):
    assert client.get("/health").json()["mlflow"] is None
    assert client.get("/models").json()["models"][0]["mlflow"] is None


def test_without_mlflow_the_service_says_so_and_serves(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with service(mlflow="http://127.0.0.1:9") as client:
        assert "not installed" in registered(client)["mlflow"]
        assert client.post(PREDICT, json={"instances": [well()]}).status_code == 200


def test_a_registration_that_fails_says_why_and_does_not_raise(monkeypatch):
    def fail(uri, artifact):
        raise ConnectionError("away")

    monkeypatch.setattr("egiz_ml_service.registration.register", fail)
    registration = Registration("http://127.0.0.1:9", [load(MODELS / f"{MODEL}.npz")])
    registration.run()
    assert registration.state == "failed: ConnectionError: away"


@pytest.fixture
def store(tmp_path, monkeypatch) -> str:
    pytest.importorskip("mlflow", reason="MLflow is not installed (requirements-mlflow.txt)")
    pytest.importorskip("sqlalchemy", reason="only mlflow-skinny is installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    return f"sqlite:///{tmp_path}/mlflow.db"


def test_equal_weights_are_registered_once_and_others_are_another_version(store, tmp_path):
    from mlflow import MlflowClient

    artifact = load(MODELS / f"{MODEL}.npz")
    other = Artifact(**{**artifact.__dict__, "threshold": 1.0})
    assert [register(store, given) for given in (artifact, artifact, other, artifact)] == ["1", "1", "2", "1"]
    client = MlflowClient(tracking_uri=store, registry_uri=store)
    version = client.get_model_version(MODEL, "1")
    assert version.tags[DIGEST] == artifact.digest
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == str(artifact.training["seed"])
    copy = client.download_artifacts(version.run_id, f"model/{MODEL}.npz", str(tmp_path))
    assert load(Path(copy)).digest == artifact.digest


def test_the_service_registers_at_its_start_and_shows_the_version(store):
    with service(mlflow=store) as client:
        assert registered(client)["mlflow"] == "done"
        assert client.get("/models").json()["models"][0]["mlflow"] == "1"
