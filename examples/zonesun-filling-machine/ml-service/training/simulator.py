"""Runs `zonesun-simulator` and hands over its lines."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Any day would do; a fixed one makes runs equal byte by byte.
START = "2026-01-01T00:00:00Z"


def binary() -> Path:
    """The simulator: `$ZONESUN_SIMULATOR`, or what `make build` or `swift build` left in the repository."""
    repository = Path(__file__).resolve().parents[4]
    given = os.environ.get("ZONESUN_SIMULATOR")
    candidates = [Path(given)] if given else [repository / ".build" / kind / "zonesun-simulator" for kind in ("release", "debug")]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"no simulator at {', '.join(map(str, candidates))}: run `make build`, or set ZONESUN_SIMULATOR")


@contextmanager
def run(form: str, seed: int, machines: int, hours: float) -> Iterator[Iterator[str]]:
    """Lines of `machines` machines at the demo's rate, 5 events/s of each. Raises if the simulator fails."""
    command = [
        str(binary()), "--print", "--quiet", "--unthrottled", "--format", form, "--seed", str(seed),
        "--machines", str(machines), "--rate", str(5 * machines), "--duration", f"{round(hours * 3600)}s", "--start-time", START,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield process.stdout
        if process.wait() != 0:
            raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}")
