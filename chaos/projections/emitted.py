"""Records that the engine emits, as a read_committed reader sees them: each once, told apart by the header `egiz-id`.

The rule that makes an output expected is one function: add it to OUTPUTS and name the topic in World.output_topics, so that the
recorder keeps it. The embedded broker isolates no transactions; there repeats are dropped by `egiz-id`, as its readers must, and
only counted.
"""

import glob
import os

from chaos.fold import log_file
from chaos.projections.outcome import Outcome
from chaos.projections.projection import Projection
from chaos.projections.rollup import is_late, is_number


def _dead_letters(fold, task):
    """Every dead letter goes to `<topic>.dlq`."""
    return [(offset, "dlq") for offset in fold.dead_letters]


def _late_counts(fold):
    """Offset -> how many numbers of the record came after the grace of their windows."""
    counts = getattr(fold, "late_counts", None)
    if counts is None:
        counts = fold.late_counts = {}
        for samples in fold.series.values():
            for time, value, stream_time, offset in samples:
                if is_number(value) and is_late(time, stream_time):
                    counts[offset] = counts.get(offset, 0) + 1
    return counts


def _late(fold, task):
    """Every number that came after the grace of its window goes to the topic `lateTo`, numbered within its record."""
    return [(offset, number) for offset, count in _late_counts(fold).items() for number in range(count)]


def _mapped(fold, task):
    """One record of every event that `mapped` tells of, numbered behind what `windows` emitted of the same event."""
    counts = _late_counts(fold)
    return [(offset, counts.get(offset, 0)) for offset in fold.mapped]


# Suffix of the output's topic -> function(fold, task) that gives (input offset, number of the record) of every emitted record.
OUTPUTS = {"dlq": _dead_letters, "late": _late, "mapped": _mapped}


class Emitted(Projection):
    """One output: everything that lies in the topics `*.<suffix>`."""

    def __init__(self, suffix, expect, drops_repeats=False):
        self.name = f"emitted {suffix}"
        self._suffix, self._expect, self._drops_repeats = suffix, expect, drops_repeats
        self._found = None

    def expected(self, fold, task):
        source = task.stage.split(".", 1)[1]
        topology = task.stage.split(".", 1)[0]
        place = f"{topology}/{source}/{task.topic}/{task.partition}"
        return [(place, offset, number) for offset, number in self._expect(fold, task)]

    def actual(self, database, task):
        if self._found is None:
            self._found = self._read(os.path.dirname(task.path))
        place = f"{task.stage.replace('.', '/', 1)}/{task.topic}/{task.partition}"
        return self._found.get(place, {})

    def compare(self, expected, actual):
        outcome = Outcome(len(expected))
        left = dict(actual)
        for key in expected:
            count = left.pop(key, 0)
            if count == 0:
                outcome.lose(1, f"the record {key} was not emitted")
            elif count > 1 and not self._drops_repeats:
                outcome.double(count - 1, f"the record {key} was emitted {count} times")
        for key, count in left.items():
            outcome.double(count, f"the record {key} should not have been emitted")
        return outcome

    def _read(self, folder):
        """place -> (place, offset, n) -> how often; egiz-id is <place>@<incarnation>/<offset>/<n> (rule 11)."""
        found = {}
        for path in glob.glob(os.path.join(glob.escape(folder), f"*.{self._suffix}-*.log")):
            for record in log_file.read(path):
                for line in record.headers.split(b"\n"):
                    if line.startswith(b"egiz-id="):
                        place, _, rest = line[8:].decode().partition("@")
                        _, offset, number = rest.split("/", 2)
                        key = place, int(offset), number if not number.isdigit() else int(number)
                        counts = found.setdefault(place, {})
                        counts[key] = counts.get(key, 0) + 1
        return found
