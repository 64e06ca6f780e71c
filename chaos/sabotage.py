"""Runs the harness once without a fault built into the engine and once with each of them: `make chaos-sabotage`.

The first must end with 0, each of the others with 1 and for its own reason. Needs a build with -DEGIZ_SABOTAGE in CHAOS_BIN.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from chaos.harness.sabotage import REASONS, faults, outcomes  # noqa: E402


def main():
    words = sys.argv[1:] or ["", *REASONS]
    unknown = set(words) - {"", *REASONS}
    if unknown:
        raise SystemExit(f"chaos: there is no sabotage {', '.join(sorted(unknown))}; expected {', '.join(REASONS)}")
    folder = tempfile.mkdtemp(prefix="egiz-sabotage-")
    failed = [word for word in words if not shows(word, folder)]
    print(f"sabotage: {len(words) - len(failed)} of {len(words)} runs ended as they must")
    sys.exit(1 if failed else 0)


def shows(word, folder):
    """Runs the harness; whether it said what it must."""
    name = word or "none"
    log = os.path.join(folder, f"{name}.log")
    began = time.monotonic()
    print(f"sabotage {name}: running, output in {log}", flush=True)
    with open(log, "wb") as file:
        status = subprocess.run(
            [sys.executable, str(ROOT / "chaos/run.py")], env={**os.environ, "CHAOS_SABOTAGE": word}, stdout=file,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=ROOT).returncode
    text = pathlib.Path(log).read_text(errors="replace")
    found = faults(word, status, text)
    wrong = [f"{line} {lost} lost {doubled} doubled" for line, (lost, doubled, _) in outcomes(text).items() if lost or doubled]
    print(f"sabotage {name}: exit {status} after {time.monotonic() - began:.0f} s; {', '.join(wrong) or 'nothing lost or doubled'}; "
          f"{'AS IT MUST' if not found else 'NOT AS IT MUST'}", flush=True)
    for fault in found:
        print(f"  {fault[:400]}", flush=True)
    return not found


if __name__ == "__main__":
    main()
