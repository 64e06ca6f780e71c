#!/usr/bin/env python3
"""Trains the detector of clogged nozzles on simulator data and writes models/nozzle-anomaly.npz. About two minutes on one core.

Same seeds and versions, same weights. Needs requirements-torch.txt and the simulator (`make build`, or ZONESUN_SIMULATOR).
"""

import argparse
import platform
from pathlib import Path

import numpy as np
import torch

from egiz_ml_service.catalogue import MODELS
from training.dataset import lives
from training.fit import fit
from training.simulator import run
from training.truth import masks

NAME = "nozzle-anomaly"
VERSION = "1.0.0"
#: Of every so many rows one is kept: neighbours are nearly equal.
THIN = 5


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int, default=101, help="of the simulator and of the fit (default: 101)")
    options.add_argument("--machines", type=int, default=10)
    options.add_argument("--hours", type=float, default=2.0)
    options.add_argument("--out", type=Path, default=MODELS / f"{NAME}.npz")
    given = options.parse_args()
    rows, failures = [], 0
    witnesses = {}
    for form in ("telemetry", "ditto"):
        with run(form, given.seed, given.machines, given.hours) as lines:
            told = lives(lines)
        # Ditto tells phases by turns: who was ill when is read from the same lives in telemetry.
        witnesses = {number: life.witness for number, life in told.items()} if form == "telemetry" else witnesses
        for number, life in told.items():
            healthy = masks(life.times, witnesses[number])[1]
            rows.append(life.columns[healthy][::THIN])
    failures = sum(len(witness.failures) for witness in witnesses.values())
    columns = np.vstack(rows)
    about = {
        "seed": given.seed, "machines": given.machines, "hours": given.hours, "rows": len(columns), "failuresLeftOut": failures,
        "torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version(),
    }
    artifact = fit(columns, NAME, VERSION, given.seed, about)
    artifact.save(given.out)
    print(f"{given.out}: {artifact.model_version}, threshold {artifact.threshold:.2f}, {len(columns)} rows, {given.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
