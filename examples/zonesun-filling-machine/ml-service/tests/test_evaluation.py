"""`evaluate.py` on a short life: the model in the repository keeps what is promised of it, and a worse one would be told."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training.measure import Measured
from training.simulator import binary

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))
from evaluate import is_kept  # noqa: E402


def test_the_model_in_the_repository_keeps_what_is_promised(tmp_path):
    try:
        binary()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    out = tmp_path / "RESULTS.md"
    done = subprocess.run(
        [sys.executable, "evaluate.py", "--seed", "404", "--machines", "2", "--hours", "1.5", "--backends", "numpy", "--out", str(out)],
        cwd=HERE, capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failures (error 42)" in out.read_text()


@pytest.mark.parametrize(
    ("worse", "kept"),
    [({}, True), ({"auc": 0.89}, False), ({"false_alarms": 3}, False), ({"delays": np.array([0.0, 5.5])}, False)],
)
def test_what_is_worse_than_promised_is_told(worse, kept):
    good = Measured(
        machine_days=3.0, healthy=1000, ill=100, auc=0.9, auc_before_stop=0.9, failures=2, before_stop=2,
        delays=np.array([0.0, 5.0]), warnings=np.array([1.0, 1.0]), false_alarms=2, named=2,
    )
    assert bool(is_kept(replace(good, **worse))) == kept
