"""Registers the models in MLflow: one registered model for each, one version for each set of weights.

Runs beside the service, which neither waits for MLflow nor needs it: what went wrong stands in `/health` and in the log.
"""

import logging
import tempfile
import threading
from pathlib import Path
from typing import Any

from .model.artifact import Artifact

_log = logging.getLogger("egiz.ml.mlflow")
EXPERIMENT = "digital-egiz"
#: Tag of a version with the weights' SHA-256: equal weights are not registered twice.
DIGEST = "egiz.sha256"


class Registration:
    """`state` is pending, done, or why not; `versions` holds MLflow's version by model."""

    def __init__(self, uri: str, artifacts: list[Artifact]):
        self.state = "pending"
        self.versions: dict[str, str] = {}
        self._uri = uri
        self._artifacts = artifacts
        self._thread = threading.Thread(target=self.run, name="mlflow", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """For its end, for so long."""
        self._thread.join(seconds)

    def run(self) -> None:
        """Never raises."""
        try:
            for artifact in self._artifacts:
                self.versions[artifact.name] = register(self._uri, artifact)
            self.state = "done"
            _log.info("models registered", extra={"facts": {"versions": dict(self.versions)}})
        except ImportError:
            self.state = "MLFLOW_TRACKING_URI is set, and mlflow is not installed (requirements-mlflow.txt)"
            _log.warning("mlflow is not installed")
        except Exception as error:
            self.state = f"failed: {type(error).__name__}: {error}"[:300]
            _log.warning("models not registered", exc_info=True)


def register(uri: str, artifact: Artifact) -> str:
    """The version in MLflow of these weights; made where it is not there yet. Raises ImportError, or what MLflow raises."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    try:
        client.create_registered_model(artifact.name, description="Anomalies of the Zonesun filling machine's nozzles.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    for version in client.search_model_versions(f"name = '{artifact.name}'"):
        if version.tags.get(DIGEST) == artifact.digest:
            return str(version.version)
    run = client.create_run(_experiment(client), run_name=artifact.model_version)
    try:
        return _version(client, run, artifact)
    except BaseException:
        client.set_terminated(run.info.run_id, "FAILED")
        raise


def _version(client: Any, run: Any, artifact: Artifact) -> str:
    identity = run.info.run_id
    for name, value in artifact.training.items():
        client.log_param(identity, name, value)
    client.log_metric(identity, "threshold", artifact.threshold)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{artifact.name}.npz"
        artifact.save(path)
        client.log_artifact(identity, str(path), "model")
    client.set_terminated(identity)
    tags = {DIGEST: artifact.digest, "egiz.modelVersion": artifact.model_version}
    made = client.create_model_version(artifact.name, f"{run.info.artifact_uri}/model", identity, tags=tags)
    return str(made.version)


def _experiment(client: Any) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    return client.create_experiment(EXPERIMENT) if found is None else found.experiment_id
