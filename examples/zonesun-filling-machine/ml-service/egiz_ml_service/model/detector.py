"""Scores instances: the error with which the autoencoder repeats them, and what of it comes from which column."""

from typing import Any

import numpy as np

from .artifact import Artifact
from .backend import Backend
from .features import COLUMNS, NOZZLES, vector

#: Scaled columns beyond this look the same to the encoder; one wild column then does not bend what is expected of the others.
CLIP = 8.0
#: Scaled units (about 1.2 ml) by which a nozzle's bottle must lie below those of its neighbours to be suspected.
SUSPICIOUS = 4.0


class Detector:
    """Stateless: equal features give equal predictions, whatever was asked before."""

    def __init__(self, artifact: Artifact, backend: Backend):
        if artifact.columns != COLUMNS:
            raise ValueError(f"{artifact.name}: trained on {artifact.columns}, this program makes {COLUMNS}")
        self.artifact = artifact
        self.backend = backend

    def vector(self, features: Any) -> list[float]:
        """Raises `FeatureError`."""
        return vector(features)

    def residuals(self, columns: np.ndarray) -> np.ndarray:
        """Signed residuals of scaled columns, 0 where there is no evidence."""
        present = ~np.isnan(columns)
        scaled = np.where(present, (columns - self.artifact.mean) / self.artifact.scale, 0.0)
        return np.where(present, scaled - self.backend.reconstruct(np.clip(scaled, -CLIP, CLIP)), 0.0)

    def parts(self, residuals: np.ndarray) -> np.ndarray:
        """What each column adds to the error."""
        return np.minimum(residuals**2, self.artifact.caps)

    def scores(self, columns: np.ndarray) -> np.ndarray:
        """0 ... 1; 0.5 and more is an anomaly."""
        errors = self.parts(self.residuals(columns)).sum(axis=1)
        return errors / (errors + self.artifact.threshold)

    def predict(self, columns: np.ndarray) -> list[dict[str, Any]]:
        """A prediction for each row."""
        parts = self.parts(self.residuals(columns))
        return [self._prediction(*row) for row in zip(columns, parts)]

    def _prediction(self, columns: np.ndarray, parts: np.ndarray) -> dict[str, Any]:
        error = float(parts.sum())
        score = error / (error + self.artifact.threshold)
        shares = parts / error if error > 0 else parts
        is_anomaly = score >= 0.5
        return {
            "score": round(score, 9),
            "label": "anomaly" if is_anomaly else "normal",
            "details": {
                "error": round(error, 6),
                "threshold": round(self.artifact.threshold, 6),
                "contributions": {name: round(float(share), 6) for name, share in zip(COLUMNS, shares)},
                "missing": [name for name, value in zip(COLUMNS, columns) if np.isnan(value)],
                "suspectedNozzle": self._suspect(columns) if is_anomaly else None,
            },
        }

    def _suspect(self, columns: np.ndarray) -> int | None:
        """Number, from 1, of the nozzle whose bottle got less than the others; None where the bottles do not tell."""
        volumes = ((columns - self.artifact.mean) / self.artifact.scale)[:NOZZLES]
        if np.isnan(volumes).any():
            return None
        lowest = int(np.argmin(volumes))
        gap = float(np.median(np.delete(volumes, lowest)) - volumes[lowest])
        return lowest + 1 if gap >= SUSPICIOUS else None
