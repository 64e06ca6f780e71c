"""The autoencoder in plain numpy."""

import numpy as np

from .artifact import Artifact


class NumpyBackend:
    name = "numpy"

    def __init__(self, artifact: Artifact):
        self._layers = [(np.asarray(w, np.float64), np.asarray(b, np.float64)) for w, b in artifact.layers]

    def reconstruct(self, scaled: np.ndarray) -> np.ndarray:
        """Rows of scaled columns without NaN, and what the autoencoder makes of them."""
        value = scaled
        for index, (weight, bias) in enumerate(self._layers):
            value = value @ weight + bias
            if index < len(self._layers) - 1:
                value = np.tanh(value)
        return value
