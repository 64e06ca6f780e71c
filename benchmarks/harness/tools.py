"""Where things are, and the C and C++ programs that a benchmark compiles."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(HERE)
EGIZ = os.environ.get("EGIZ_BENCH_BINARY") or os.path.join(ROOT, ".build", "release", "egiz")


def ended_by_signal():
    """SIGTERM unwinds as Ctrl-C does, so that no server stays behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def say(text):
    print(text, file=sys.stderr, flush=True)


def compile_c(source, folder, *libraries):
    """Compiles benchmarks/SOURCE into FOLDER; its path there."""
    program = os.path.join(folder, os.path.splitext(os.path.basename(source))[0])
    language = ["g++", "-std=c++17"] if source.endswith(".cpp") else ["gcc"]
    subprocess.run(
        [*language, "-O2", "-w", os.path.join(HERE, source), "-o", program, *(f"-l{name}" for name in libraries)],
        check=True)
    return program


def environment(library_path=None, **more):
    """Somebody's settings must not decide what is measured. `library_path` goes before the system's libraries."""
    clean = {key: value for key, value in os.environ.items()
             if not key.startswith("EGIZ_") and key != "LD_LIBRARY_PATH"}
    if library_path:
        clean["LD_LIBRARY_PATH"] = library_path
    clean.update(more)
    return clean


class Child:
    """A child process with its output in a file. What it used is known when it has ended."""

    def __init__(self, name, command, folder, env):
        self.log = os.path.join(folder, f"{name}.log")
        self.started = time.monotonic()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=folder, start_new_session=True)
        self.usage = None

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        if self.usage is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._ended(status, usage)
        return self.usage is None

    def stop(self, seconds=20, number=signal.SIGTERM):
        """Asks it to end, and makes it after `seconds`. CPU seconds and peak memory are in `usage` then."""
        deadline = time.monotonic() + seconds
        if self.is_running:
            os.kill(self.pid, number)
        while self.is_running and time.monotonic() < deadline:
            time.sleep(0.01)
        if self.is_running:
            os.kill(self.pid, signal.SIGKILL)
            _, status, usage = os.wait4(self.pid, 0)
            self._ended(status, usage)
        return self.process.returncode

    def _ended(self, status, usage):
        self.usage = usage
        self.process.returncode = os.waitstatus_to_exitcode(status)

    @property
    def cpu_seconds(self):
        """Of a running process, by the kernel's accounts."""
        if self.usage is not None:
            return self.usage.ru_utime + self.usage.ru_stime
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, name="VmRSS"):
        """Bytes by /proc/PID/status: VmRSS now, VmHWM at most; 0 where it has ended."""
        try:
            with open(f"/proc/{self.pid}/status") as status:
                found = re.search(rf"^{name}:\s+(\d+) kB", status.read(), re.M)
        except FileNotFoundError:
            found = None
        return int(found.group(1)) * 1024 if found else 0

    def tail(self, lines=15):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-lines:])
