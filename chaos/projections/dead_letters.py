"""The table egiz.dead_letter: records that cannot be processed, each once, with its reason."""

from chaos.projections.outcome import Outcome
from chaos.projections.projection import Projection


class DeadLetters(Projection):
    name = "dead letters"

    def expected(self, fold, task):
        return {(task.topic, task.partition, offset): code for offset, code in fold.dead_letters.items()}

    def actual(self, database, task):
        rows = database.execute(
            """select topic, partition, "offset", code from egiz.dead_letter where stage = %s and partition = %s""",
            (task.stage, task.partition))
        return [((topic, partition, offset), code) for topic, partition, offset, code in rows]

    def compare(self, expected, actual):
        outcome = Outcome(len(expected))
        left = dict(expected)
        for place, code in actual:
            if place not in left:
                outcome.double(1, f"dead letter {place} {code}: once too often, or the record is sound")
                continue
            wanted = left.pop(place)
            if wanted != code:
                outcome.lose(1, f"dead letter {place} has the reason {code} instead of {wanted}")
        for place, code in left.items():
            outcome.lose(1, f"dead letter {place} {code} is missing")
        return outcome
