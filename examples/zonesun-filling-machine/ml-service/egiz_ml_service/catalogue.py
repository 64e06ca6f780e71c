"""The models that the service serves: every npz in a folder."""

from pathlib import Path

from .model.artifact import ArtifactError, load
from .model.backend import make
from .model.detector import Detector

MODELS = Path(__file__).resolve().parent.parent / "models"


def detectors(folder: Path, backend: str) -> dict[str, Detector]:
    """By name. Raises `ArtifactError` where a file is no model, two have one name, or there is none."""
    found: dict[str, Detector] = {}
    for path in sorted(folder.glob("*.npz")):
        artifact = load(path)
        if artifact.name in found:
            raise ArtifactError(f"{path}: a second model {artifact.name}")
        try:
            found[artifact.name] = Detector(artifact, make(backend, artifact))
        except ValueError as error:
            raise ArtifactError(f"{path}: {error}") from error
    if not found:
        raise ArtifactError(f"{folder}: no models; expected *.npz")
    return found
