"""Chooses how the weights are run."""

import importlib.util
from typing import Protocol

import numpy as np

from .artifact import Artifact
from .numpy_backend import NumpyBackend

NAMES = ("auto", "numpy", "torch")


class Backend(Protocol):
    name: str

    def reconstruct(self, scaled: np.ndarray) -> np.ndarray: ...


def make(name: str, artifact: Artifact) -> Backend:
    """`auto` is PyTorch where it is installed, else numpy. Raises ImportError if `torch` is asked for and not there."""
    if name == "numpy" or (name == "auto" and importlib.util.find_spec("torch") is None):
        return NumpyBackend(artifact)
    from .torch_backend import TorchBackend

    return TorchBackend(artifact)
