"""The trained detector as a file: arrays and one JSON text in an npz, read without pickle by every backend."""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

#: Of the file's layout; another one is refused.
FORMAT = 1
MAX_BYTES = 200_000


class ArtifactError(ValueError):
    """The file is no model, or one of another format."""


@dataclass(frozen=True)
class Artifact:
    """Weights are (in, out) matrices, so a layer is `x @ weight + bias`; tanh between layers, none after the last."""

    name: str
    version: str
    columns: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    #: The most that the squared, scaled residual of a column may add to the error.
    caps: np.ndarray
    #: Error at which an instance is an anomaly: the score is 0.5 there.
    threshold: float
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    #: How it was trained and what was measured; nothing depends on it.
    training: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides an answer, in hex."""
        hasher = hashlib.sha256(json.dumps([self.name, self.version, self.columns, self.threshold]).encode())
        for array in (self.mean, self.scale, self.caps, *(array for layer in self.layers for array in layer)):
            hasher.update(np.ascontiguousarray(array, "<f8").tobytes())
        return hasher.hexdigest()

    @property
    def model_version(self) -> str:
        """What answers carry: two models with equal text give equal scores."""
        return f"{self.version}+{self.digest[:8]}"

    def save(self, path: Path) -> None:
        about = {
            "format": FORMAT, "name": self.name, "version": self.version, "columns": self.columns,
            "threshold": self.threshold, "layers": len(self.layers), "training": self.training,
        }
        arrays = {"mean": self.mean, "scale": self.scale, "caps": self.caps, "about": np.array(json.dumps(about))}
        for index, (weight, bias) in enumerate(self.layers):
            arrays[f"weight{index}"], arrays[f"bias{index}"] = weight, bias
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buffer.getvalue())


def load(path: Path) -> Artifact:
    """Raises `ArtifactError` with the path and what is wrong."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ArtifactError(f"{path}: larger than {MAX_BYTES} bytes")
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            if about["format"] != FORMAT:
                raise ArtifactError(f"{path}: found format {about['format']}, expected {FORMAT}")
            artifact = Artifact(
                name=about["name"], version=about["version"], columns=tuple(about["columns"]),
                mean=arrays["mean"], scale=arrays["scale"], caps=arrays["caps"], threshold=float(about["threshold"]),
                layers=tuple((arrays[f"weight{i}"], arrays[f"bias{i}"]) for i in range(about["layers"])),
                training=about["training"],
            )
    except ArtifactError:
        raise
    except Exception as error:
        raise ArtifactError(f"{path}: no model: {error}") from error
    _check(path, artifact)
    return artifact


def _check(path: Path, artifact: Artifact) -> None:
    width = len(artifact.columns)
    if any(array.shape != (width,) for array in (artifact.mean, artifact.scale, artifact.caps)):
        raise ArtifactError(f"{path}: mean, scale and caps do not fit {width} columns")
    size = width
    for weight, bias in artifact.layers:
        if weight.ndim != 2 or weight.shape[0] != size or bias.shape != (weight.shape[1],):
            raise ArtifactError(f"{path}: the layers do not fit together")
        size = weight.shape[1]
    if size != width or not artifact.layers:
        raise ArtifactError(f"{path}: the last layer has {size} outputs, expected {width}")
    numbers = [artifact.mean, artifact.scale, artifact.caps, *(array for layer in artifact.layers for array in layer)]
    if not all(np.isfinite(array).all() for array in numbers) or not (artifact.scale > 0).all() or not artifact.threshold > 0:
        raise ArtifactError(f"{path}: numbers that are not finite, or not positive where they must be")
