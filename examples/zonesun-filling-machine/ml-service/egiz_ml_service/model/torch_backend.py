"""The same autoencoder in PyTorch. Import this only where PyTorch is installed."""

import numpy as np
import torch

from .artifact import Artifact


def network(sizes: list[int]) -> torch.nn.Sequential:
    """Linear layers with tanh between them, in float64 so that backends agree to the last digits."""
    layers: list[torch.nn.Module] = []
    for index, (wide, narrow) in enumerate(zip(sizes, sizes[1:])):
        if index:
            layers.append(torch.nn.Tanh())
        layers.append(torch.nn.Linear(wide, narrow, dtype=torch.float64))
    return torch.nn.Sequential(*layers)


class TorchBackend:
    name = "torch"

    def __init__(self, artifact: Artifact):
        # One thread: instances are tiny, and the host has other work.
        torch.set_num_threads(1)
        self._network = network([len(artifact.columns), *(weight.shape[1] for weight, _ in artifact.layers)])
        linear = [layer for layer in self._network if isinstance(layer, torch.nn.Linear)]
        with torch.no_grad():
            for layer, (weight, bias) in zip(linear, artifact.layers, strict=True):
                layer.weight.copy_(torch.from_numpy(np.asarray(weight, np.float64).T.copy()))
                layer.bias.copy_(torch.from_numpy(np.asarray(bias, np.float64)))
        self._network.eval()

    def reconstruct(self, scaled: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return self._network(torch.from_numpy(np.ascontiguousarray(scaled, np.float64))).numpy()
