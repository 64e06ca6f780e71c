"""Windows that closed, emitted once each to the topic `to` of the rollup, with what they held."""

import datetime
import glob
import json
import math
import os

from chaos.fold import log_file
from chaos.projections.outcome import Outcome
from chaos.projections.projection import Projection
from chaos.projections.rollup import is_closed, windows

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def _microseconds(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - _EPOCH) // datetime.timedelta(microseconds=1)


class Closed(Projection):
    name = "emitted closed windows"

    def __init__(self, drops_repeats=False):
        self._drops_repeats = drops_repeats
        self._found = None

    def expected(self, fold, task):
        return {key: window.row() for key, window in windows(fold).items() if is_closed(key[2], fold.stream_time)}

    def actual(self, database, task):
        if self._found is None:
            self._found = self._read(os.path.dirname(task.path))
        return self._found.get(f"{task.stage.replace('.', '/', 1)}/{task.topic}/{task.partition}", [])

    def compare(self, expected, actual):
        outcome = Outcome(len(expected))
        left = dict(expected)
        for key, row in actual:
            if key not in left:
                outcome.double(1, f"the closed window {key} was emitted once too often, or is not closed")
                continue
            wanted = left.pop(key)
            if wanted[0] != row[0] or not all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in zip(wanted, row)):
                outcome.lose(1, f"the closed window {key} is {row} instead of {wanted}")
        for key in left:
            outcome.lose(1, f"the closed window {key} was not emitted")
        return outcome

    def _read(self, folder):
        """place -> [(key, row)], without repeats of an egiz-id where they are to be dropped."""
        found, seen = {}, set()
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), "*.closed-*.log"))):
            for record in log_file.read(path):
                identity = next(
                    (line[8:].decode() for line in record.headers.split(b"\n") if line.startswith(b"egiz-id=")), None)
                if identity is None or (self._drops_repeats and identity in seen):
                    continue
                seen.add(identity)
                value = json.loads(record.value)
                key = value["thingId"], value["path"], _microseconds(value["start"])
                row = tuple(value[name] for name in ("count", "min", "max", "sum", "first", "last"))
                found.setdefault(identity.partition("@")[0], []).append((key, row))
        return found
