"""A child process with its output in a file."""

import os
import signal
import subprocess


class Program:
    def __init__(self, name, command, folder, environment=None):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        merged = {key: value for key, value in os.environ.items() if not key.startswith("EGIZ_")}
        merged.update(environment or {})
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=merged, cwd=folder,
                start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        return self.process.poll() is None

    def send(self, number):
        if self.is_running:
            os.kill(self.pid, number)

    def kill(self):
        self.send(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=20):
        """Asks it to end; its exit status, None where it had to be killed."""
        self.send(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def tail(self, lines=15):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-lines:])
