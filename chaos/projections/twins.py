"""The table egiz.twin: one document a thing."""

from chaos.fold import json_text
from chaos.projections.outcome import Outcome
from chaos.projections.projection import Projection


class Twins(Projection):
    name = "twins"

    def expected(self, fold, task):
        return {thing: (twin.revision, twin.view()) for thing, twin in fold.twins.items() if twin.revision}

    def actual(self, database, task):
        rows = database.execute(
            "select thing_id, revision, document::text from egiz.twin where stage = %s and partition = %s",
            (task.stage, task.partition))
        return {thing: (revision, None if text is None else json_text.parse(text)) for thing, revision, text in rows}

    def compare(self, expected, actual):
        outcome = Outcome(len(expected))
        for thing, (revision, document) in expected.items():
            if thing not in actual:
                outcome.lose(1, f"twin {thing} is missing")
                continue
            stored_revision, stored = actual[thing]
            if stored_revision > revision:
                outcome.double(1, f"twin {thing} stands at revision {stored_revision}, the log at {revision}")
            elif stored_revision < revision:
                outcome.lose(1, f"twin {thing} stands at revision {stored_revision}, the log at {revision}")
            elif not json_text.same(document, stored):
                outcome.lose(1, f"twin {thing} of revision {revision} is {stored} instead of {document}")
        for thing in actual.keys() - expected.keys():
            outcome.double(1, f"twin {thing} is not in the log")
        return outcome
