"""A run with a fault built in counts only where it fails for that fault's reason."""

import pathlib
import re
import unittest

from chaos.harness.report import empty
from chaos.harness.sabotage import REASONS, faults, outcomes
from chaos.projections.outcome import Outcome

LINES = ("twins", "history", "rollup", "dead letters", "counters", "emitted closed windows", "emitted dlq", "emitted late",
         "emitted mapped", "order of emitted records", "log gaps")
ROOT = pathlib.Path(__file__).resolve().parents[2]


def said(problems=(), **wrong):
    """What a run prints at its end; `wrong`: line with _ for spaces = (lost, doubled)."""
    lines = ["chaos: seed 1, 1.5 minutes", "faults: 12", "  lost: twin ns:t: 3 lost, 4 doubled (of 5)"]
    lines += [f"NOT ENOUGH: {problem}" for problem in problems]
    for name in LINES:
        lost, doubled = wrong.get(name.replace(" ", "_"), (0, 0))
        lines.append(f"{name}: {lost} lost, {doubled} doubled (of 1000)")
    return "\n".join([*lines, "all: 0 lost, 0 doubled", ""])


class Sabotage(unittest.TestCase):
    def test_each_fault_is_known_by_what_it_does(self):
        for word, output in (
                ("", said()), ("no-fence", said(history=(0, 3), twins=(2, 1), counters=(4, 4))),
                ("double-commit", said(history=(0, 900))), ("skip-offset", said(counters=(12, 0), history=(9, 0))),
                ("drop-outbox", said(emitted_late=(17, 0)))):
            self.assertEqual([], faults(word, 1 if word else 0, output), word)

    def test_a_good_end_in_spite_of_the_fault_is_none(self):
        for word in REASONS:
            found = faults(word, 0, said())
            self.assertEqual(2, len(found), found)

    def test_a_bad_end_for_another_reason_is_none(self):
        for word, output in (
                ("", said(twins=(1, 0))), ("no-fence", said(emitted_dlq=(3, 0))), ("double-commit", said(history=(3, 0))),
                ("double-commit", said(history=(0, 3), twins=(1, 0))), ("skip-offset", said(counters=(0, 3))),
                ("drop-outbox", said(emitted_late=(0, 2))), ("drop-outbox", said(emitted_late=(2, 0), history=(1, 0)))):
            self.assertNotEqual([], faults(word, 1, output), output)

    def test_a_run_that_proves_too_little_or_breaks_off_is_none(self):
        self.assertEqual(
            ["NOT ENOUGH: too few events"], faults("drop-outbox", 1, said(["too few events"], emitted_late=(17, 0))))
        tired = said(["a worker ended by itself: worker-2 ended with 1"], history=(0, 3))
        self.assertEqual([], faults("no-fence", 1, tired))
        self.assertEqual(1, len(faults("double-commit", 1, tired)))
        self.assertEqual(["the run did not come to its comparison"], faults("drop-outbox", 1, "chaos: the broker did not start"))
        self.assertIn("exit status -9 instead of 1", faults("drop-outbox", -9, said(emitted_late=(17, 0))))

    def test_the_lines_that_are_looked_for_are_those_that_a_run_prints(self):
        found = outcomes(said(history=(0, 3)))
        self.assertEqual(set(LINES), set(found))
        self.assertEqual((0, 3, 1000), found["history"])
        named = {name for _, guilty, innocent in REASONS.values() for name in guilty + innocent}
        self.assertLessEqual(named, set(LINES))

    def test_every_sabotage_of_the_engine_is_run(self):
        text = (ROOT / "Sources/EgizRuntime/Status/Sabotage.swift").read_text()
        self.assertEqual(set(re.findall(r'case \w+ = "([a-z-]+)"', text)), set(REASONS))


class Report(unittest.TestCase):
    def test_a_line_in_which_nothing_was_compared_is_not_enough(self):
        outcomes = {"twins": Outcome(5), "emitted late": Outcome(0)}
        self.assertEqual(["nothing to compare: emitted late"], empty(outcomes, {"refused": 3}))
        self.assertEqual(1, len(empty({"twins": Outcome(5)}, {"refused": 0})))
        self.assertEqual([], empty({"twins": Outcome(5)}, {"refused": 3}))

    def test_the_lines_are_those_of_the_projections(self):
        from chaos.projections import order
        from chaos.projections.all import PROJECTIONS
        names = {projection.name for projection in PROJECTIONS} | {order.NAME, "log gaps"}
        self.assertEqual(set(LINES), names)


if __name__ == "__main__":
    unittest.main()
