"""The table egiz.rollup: count, minimum, maximum, sum, first and last of the numbers of each window, and whether it is final.

Compared as soon as chaos/topology.yaml has a processor of the kind `rollup`; INTERVAL and GRACE must be what it says there.
"""

import math
import pathlib

from chaos.fold.leaves import ABSENT
from chaos.projections.outcome import Outcome
from chaos.projections.projection import Projection

TOPOLOGY = pathlib.Path(__file__).resolve().parents[1] / "topology.yaml"
INTERVAL = 10_000_000
GRACE = 30_000_000


class Window:
    """What a window holds; taken in the order of the log."""

    __slots__ = ("count", "least", "most", "sum", "first", "last", "first_time", "last_time")

    def __init__(self, number, time):
        self.count, self.least, self.most, self.sum = 1, number, number, number
        self.first = self.last = number
        self.first_time = self.last_time = time

    def add(self, number, time):
        self.count += 1
        self.sum += number
        self.least, self.most = min(self.least, number), max(self.most, number)
        # Of equal times the first keeps the earlier record, the last takes the later one.
        if time < self.first_time:
            self.first, self.first_time = number, time
        if time >= self.last_time:
            self.last, self.last_time = number, time

    def row(self):
        return self.count, self.least, self.most, self.sum, self.first, self.last


def is_number(value):
    return value is not ABSENT and not isinstance(value, bool) and isinstance(value, (int, float))


def is_closed(start, stream_time):
    """Whether stream time has passed the window and its grace."""
    return stream_time is not None and start + INTERVAL + GRACE <= stream_time


def is_late(time, stream_time):
    return is_closed(time // INTERVAL * INTERVAL, stream_time)


def windows(fold):
    """(thing, path, start) -> Window, of all samples that were not late."""
    found = {}
    for (thing, path), samples in fold.series.items():
        for time, value, stream_time, _ in samples:
            if not is_number(value) or is_late(time, stream_time):
                continue
            key = thing, path, time // INTERVAL * INTERVAL
            window = found.get(key)
            if window is None:
                found[key] = Window(float(value), time)
            else:
                window.add(float(value), time)
    return found


class Rollup(Projection):
    name = "rollup"

    def is_there(self, database):
        has_table = database.execute("select to_regclass('egiz.rollup') is not null").fetchone()[0]
        return has_table and "kind: rollup" in TOPOLOGY.read_text()

    def expected(self, fold, task):
        return {key: (*window.row(), is_closed(key[2], fold.stream_time)) for key, window in windows(fold).items()}

    def actual(self, database, task):
        rows = database.execute(
            """
            select thing_id, path, (extract(epoch from bucket_start) * 1000000)::bigint,
                n, minimum, maximum, total, first, last, final
            from egiz.rollup where stage = %s and partition = %s
            """, (task.stage, task.partition))
        return {row[:3]: row[3:] for row in rows}

    def compare(self, expected, actual):
        outcome = Outcome(len(expected))
        for key, wanted in expected.items():
            found = actual.get(key)
            if found is None:
                outcome.lose(1, f"window {key} with {wanted[0]} samples is missing")
            elif found[0] > wanted[0]:
                outcome.double(found[0] - wanted[0], f"window {key} has {found[0]} samples of {wanted[0]}")
            elif found[0] < wanted[0]:
                outcome.lose(wanted[0] - found[0], f"window {key} has {found[0]} samples of {wanted[0]}")
            elif not all(math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) for a, b in zip(wanted[:-1], found)):
                outcome.lose(1, f"window {key} is {found} instead of {wanted}")
            elif found[-1] != wanted[-1]:
                outcome.lose(1, f"window {key} is {'final' if found[-1] else 'not final'}, which stream time is "
                                f"{'' if wanted[-1] else 'not '}beyond")
        for key in actual.keys() - expected.keys():
            outcome.double(1, f"window {key} is not in the log")
        return outcome
