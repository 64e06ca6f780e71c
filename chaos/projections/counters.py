"""The counters of egiz.task, and its position."""

from chaos.fold.task_fold import COUNTERS
from chaos.projections.outcome import Outcome
from chaos.projections.projection import Projection


class Counters(Projection):
    name = "counters"

    def expected(self, fold, task):
        return {**fold.counters, f"{task.topic}/{task.partition} next offset": fold.next_offset}

    def actual(self, database, task):
        key = (task.stage, task.partition)
        row = database.execute("select counters from egiz.task where stage = %s and partition = %s", key).fetchone()
        counted = dict(row[0]) if row else {}
        found = {name: counted.get(name, 0) for name in COUNTERS}
        row = database.execute(
            "select next_offset from egiz.task_offset where stage = %s and partition = %s and topic = %s",
            key + (task.topic,)).fetchone()
        return {**found, f"{task.topic}/{task.partition} next offset": row[0] if row else 0}

    def compare(self, expected, actual):
        outcome = Outcome(len(expected))
        place = next(name for name in expected if name.endswith("next offset")).removesuffix(" next offset")
        for name, count in expected.items():
            difference = actual[name] - count
            sentence = f"{place}: {name.removeprefix(place)} is {actual[name]}, the log says {count}"
            if difference > 0:
                outcome.double(difference, sentence)
            elif difference < 0:
                outcome.lose(-difference, sentence)
        return outcome
