"""The proof of the fold: every case of the Ditto corpus."""

import json
import os
import pathlib
import unittest

from chaos.fold import ditto, json_text
from chaos.fold.twin import Twin
from chaos.fold.verdict import DeadLetter, Ignored

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The corpus as the tests of the engine carry it.
CASES = pathlib.Path(os.environ.get("DITTO_CASES", ROOT / "Tests/EgizTwinTests/Cases"))
COUNTED = ("duplicate", "stale", "orphan")


class DittoCases(unittest.TestCase):
    def test_every_case_folds_as_ditto_does(self):
        files = sorted(CASES.rglob("*.json"))
        self.assertGreater(len(files), 150, f"no cases below {CASES}")
        for file in files:
            case = json.loads(file.read_text("utf-8"))
            if "events" not in case:
                continue
            with self.subTest(case["name"]):
                self.check(case)

    def check(self, case):
        twins, dead, ignored, reasons, counters = {}, [], [], {}, {}
        for index, record in enumerate(case["events"]):
            if record is not None:
                record = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
                record = record.encode("utf-8", "surrogatepass")
            try:
                event = ditto.decode(record)
                twins.setdefault(event.thing, Twin(event.thing)).apply(event, {})
            except DeadLetter as refusal:
                dead.append(index)
                reasons[str(index)] = refusal.reason
            except Ignored as refusal:
                ignored.append(index)
                reasons[str(index)] = refusal.reason
                if refusal.reason in COUNTED:
                    counters[refusal.reason] = counters.get(refusal.reason, 0) + 1
        for twin in twins.values():
            for name in ("gaps", "missed", "resets"):
                if getattr(twin, name):
                    counters[name] = counters.get(name, 0) + getattr(twin, name)
        twin = twins.get(case["thingId"])
        actual = twin.view() if twin else None
        self.assertTrue(json_text.same(case["expected"], actual), f"\nexpected {case['expected']}\nis       {actual}")
        self.assertEqual(case["deadLetters"], dead)
        self.assertEqual(case["ignored"], ignored)
        if "reasons" in case:
            self.assertEqual(case["reasons"], reasons)
        self.assertEqual(case.get("counters", {}), counters)


if __name__ == "__main__":
    unittest.main()
