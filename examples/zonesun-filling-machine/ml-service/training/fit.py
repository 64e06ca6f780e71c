"""Fits the autoencoder to healthy machines. Deterministic: same columns and seed, same weights."""

from typing import Any

import numpy as np
import torch

from egiz_ml_service.model.artifact import Artifact
from egiz_ml_service.model.detector import Detector
from egiz_ml_service.model.features import COLUMNS
from egiz_ml_service.model.torch_backend import TorchBackend, network

HIDDEN = [len(COLUMNS), 12, 3, 12, len(COLUMNS)]
STEPS = 1500
BATCH = 512
#: Chance that a column is hidden from the encoder: machines that report rarely have no flow worth a look.
HIDE = np.array([0.05, 0.05, 0.05, 0.05, 0.1, 0.05, 0.5])
#: Largest error of healthy machines, times this, is the threshold.
MARGIN = 2.0
#: Columns that explain others and may support a suspicion, but not raise one: a cycle is slow for many reasons, and a tank
#: may be empty. The most they add is this share of the threshold.
SUPPORTING = {"speed": 0.2, "level": 0.1}


def fit(healthy: np.ndarray, name: str, version: str, seed: int, training: dict[str, Any], steps: int = STEPS) -> Artifact:
    """`healthy` holds rows of columns; NaN where there is no evidence."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    mean, scale = np.nanmean(healthy, axis=0), np.nanstd(healthy, axis=0)
    # What differs between nozzles is small beside what all share; one unit for all four keeps them comparable.
    scale[:4] = scale[:4].mean()
    model = _trained(healthy, mean, scale, seed, steps)
    linear = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    layers = tuple(
        (layer.weight.detach().numpy().T.astype(np.float32), layer.bias.detach().numpy().astype(np.float32)) for layer in linear)
    caps = np.array([0.0 if column in SUPPORTING else 1e12 for column in COLUMNS])
    draft = Artifact(name, version, COLUMNS, mean, scale, caps, 1.0, layers, training)
    detector = Detector(draft, TorchBackend(draft))
    threshold = MARGIN * float(detector.parts(detector.residuals(healthy)).sum(axis=1).max())
    for index, column in enumerate(COLUMNS):
        if column in SUPPORTING:
            caps[index] = SUPPORTING[column] * threshold
    return Artifact(name, version, COLUMNS, mean, scale, caps, threshold, layers, training)


def _trained(healthy: np.ndarray, mean: np.ndarray, scale: np.ndarray, seed: int, steps: int) -> torch.nn.Sequential:
    present = ~np.isnan(healthy)
    scaled = torch.from_numpy(np.where(present, (healthy - mean) / scale, 0.0))
    known = torch.from_numpy(present.astype(np.float64))
    hide = torch.from_numpy(HIDE)
    generator = torch.Generator().manual_seed(seed)
    model = network(HIDDEN)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        rows = torch.randint(len(scaled), (BATCH,), generator=generator)
        shown = known[rows] * (torch.rand((BATCH, len(COLUMNS)), generator=generator, dtype=torch.float64) >= hide)
        loss = ((model(scaled[rows] * shown) - scaled[rows]) ** 2 * known[rows]).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model
