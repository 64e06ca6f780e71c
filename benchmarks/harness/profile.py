"""What the threads of a worker do, as text."""

import os
import shutil
import subprocess

from harness.tools import HERE, say


class Profile:
    """Samples the machine with perf until `stop`: a process alone would miss the threads that it starts later."""

    def __init__(self, pid, folder):
        if not shutil.which("perf"):
            raise SystemExit("bench: --profile needs perf (Debian: linux-perf)")
        self._pid = pid
        self._data = os.path.join(folder, "perf.data")
        self._process = subprocess.Popen(
            ["perf", "record", "--quiet", "--freq", "1999", "--all-cpus", "--output", self._data],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def stop(self):
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()

    def write(self, name, heading):
        """To profiles/NAME.txt: who used the processors, then the worker's functions."""
        def report(keys, percent, *more):
            done = subprocess.run(
                ["perf", "report", "--stdio", "--input", self._data, "--sort", keys, "--percent-limit", str(percent),
                 "--no-children", *more], capture_output=True, text=True)
            lines = [line.rstrip() for line in done.stdout.splitlines() if line.strip() and not line.startswith("#")]
            text = "\n".join(lines)
            # Swift's names are readable only when demangled.
            demangled = subprocess.run(["swift", "demangle", "--compact"], input=text, capture_output=True, text=True)
            return demangled.stdout if demangled.returncode == 0 else text

        path = os.path.join(HERE, "profiles", f"{name}.txt")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        functions = "\n".join(
            line[:170] for line in report("comm,dso,symbol", 0.2, "--pid", str(self._pid)).splitlines())
        with open(path, "w") as file:
            file.write(f"{heading}\n\nThe whole machine, by thread, percent of the samples from the first commit on (all cores are 100%)\n\n"
                       f"{report('comm', 0.5).rstrip()}\n\nFunctions of the worker, percent of the same\n\n{functions.rstrip()}\n")
        say(f"bench: {path} written")
