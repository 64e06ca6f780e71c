"""What a processor refuses leaves nothing behind in the fold but a dead letter."""

import json
import re
import tempfile
import unittest

from chaos.fold import log_file, mapped
from chaos.fold.task_fold import TaskFold
from chaos.harness.mischief import LONG_NAMES, Mischief
from chaos.projections.dead_letters import DeadLetters
from chaos.projections.emitted import OUTPUTS, Emitted
from chaos.projections.projection import Task
from chaos.projections.rollup import GRACE, INTERVAL, TOPOLOGY, Rollup
from chaos.projections.twins import Twins

LONG = LONG_NAMES[0]
T0 = 1_772_431_240


def event(name, revision, path, value, seconds, action="modified"):
    stamp = f"2026-03-02T06:00:{seconds:02d}Z"
    return (f"chaos.edge:{name}", seconds, {
        "topic": f"chaos.edge/{name}/things/twin/events/{action}", "path": path, "value": value, "revision": revision,
        "timestamp": stamp})


def created(name, seconds=0):
    return event(name, 1, "/", {"thingId": f"chaos.edge:{name}", "attributes": {}}, seconds, "created")


class Refusals(unittest.TestCase):
    def fold(self, *events):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/in-0.log"
            with open(path, "wb") as file:
                for offset, (key, seconds, value) in enumerate(events):
                    file.write(log_file.pack(offset, (T0 + seconds) * 1000, key.encode(), json.dumps(value).encode()))
            return TaskFold(path, "ditto")

    def both(self, name):
        return self.fold(
            created(name), event(name, 2, "/features/g/properties/u", 1, 1),
            event(name, 3, "/features/h/properties/u", 2, 2), event(name, 4, "/features/g/properties/u", 3, 3))

    def test_a_refused_record_leaves_a_dead_letter_and_nothing_else(self):
        fold = self.both(LONG)
        twin = fold.twins[f"chaos.edge:{LONG}"]
        self.assertEqual({"g": {"properties": {"u": 3}}}, twin.document["features"])
        self.assertEqual({2: "thing-id"}, fold.dead_letters)
        self.assertEqual((1, []), (fold.refused, fold.mapped))
        self.assertEqual([("/features/g/properties/u", 2)], [(path, len(samples)) for (_, path), samples in fold.series.items()])
        # The event behind it has the revision after the one that is missing.
        self.assertEqual((4, 1, 1), (twin.revision, fold.counters["gaps"], fold.counters["missed"]))
        self.assertEqual((3, 1, 4), tuple(fold.counters[name] for name in ("applied", "deadLetters", "records")))

    def test_the_same_record_of_a_thing_with_a_shorter_name_is_told_of(self):
        fold = self.both("thing-001")
        self.assertEqual({"g", "h"}, set(fold.twins["chaos.edge:thing-001"].document["features"]))
        self.assertEqual(({}, 0, [2]), (fold.dead_letters, fold.refused, fold.mapped))

    def test_a_refused_record_moves_stream_time_all_the_same(self):
        fold = self.fold(created(LONG), event(LONG, 2, "/features/h/properties/u", 2, 9))
        self.assertEqual(fold.stream_time, self.fold(created(LONG), event(LONG, 2, "/attributes/a", 2, 9)).stream_time)

    def test_an_engine_that_keeps_what_was_refused_is_found(self):
        fold = self.both(LONG)
        task = Task("top.events", "in", 0, "ditto", "")
        thing = f"chaos.edge:{LONG}"
        twins = Twins().expected(fold, task)
        revision, document = twins[thing]
        kept = json.loads(json.dumps(document))
        kept["features"]["h"] = {"properties": {"u": 2}}
        self.assertEqual(0, Twins().compare(twins, twins).lost)
        self.assertEqual(1, Twins().compare(twins, {thing: (revision, kept)}).lost)
        letters = DeadLetters().expected(fold, task)
        self.assertEqual(1, DeadLetters().compare(letters, []).lost)
        windows = Rollup().expected(fold, task)
        more = {**windows, (thing, "/features/h/properties/u", 0): (1, 2, 2, 2, 2, 2, False)}
        self.assertEqual(1, Rollup().compare(windows, more).doubled)
        fewer = {key: (row[0] - 1, *row[1:]) for key, row in windows.items()}
        self.assertEqual(1, Rollup().compare(windows, fewer).lost)

    def test_what_is_told_of_is_numbered_behind_what_came_late_in_the_same_record(self):
        name = "thing-001"
        late = event(name, 2, "/features/h/properties/u", 2, 1)
        late[2]["timestamp"] = "2026-03-02T05:00:00Z"
        fold = self.fold(created(name), late, event(name, 3, "/features/h/properties/u", 2, 2))
        task = Task("top.events", "in", 0, "ditto", "")
        place = "top/events/in/0"
        output = Emitted("mapped", OUTPUTS["mapped"])
        expected = output.expected(fold, task)
        self.assertEqual([(place, 1, 1), (place, 2, 0)], expected)
        self.assertEqual([(place, 1, 0)], Emitted("late", OUTPUTS["late"]).expected(fold, task))
        for actual, wanted in (
                ({(place, 1, 1): 1, (place, 2, 0): 1}, (0, 0)), ({(place, 1, 1): 1}, (1, 0)),
                ({(place, 1, 0): 1, (place, 2, 0): 1}, (1, 1)), ({(place, 1, 1): 1, (place, 2, 0): 1, (place, 0, 0): 1}, (0, 1))):
            outcome = output.compare(expected, actual)
            self.assertEqual(wanted, (outcome.lost, outcome.doubled), actual)

    def test_the_constants_are_those_of_the_topology(self):
        text = TOPOLOGY.read_text()
        self.assertIn(f'thing: "{mapped.NAMESPACE}:{{name}}"', text)
        self.assertIn(f'keep: ["{mapped.PATHS}**"]', text)
        self.assertEqual({f"{INTERVAL // 10**6}s"}, set(re.findall(r"interval: (\d+s)\n", text)))
        self.assertEqual({f"{GRACE // 10**6}s"}, set(re.findall(r"grace: (\S+)", text)))

    def test_the_load_has_many_refusals_and_many_sound_events_of_the_same_things(self):
        mischief = Mischief(7)
        records = [mischief.ditto(T0 + number / 300) for number in range(6000)]
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/in-0.log"
            with open(path, "wb") as file:
                for offset, (key, value) in enumerate(records):
                    file.write(log_file.pack(offset, T0 * 1000 + offset * 1000 // 300, key.encode(), value))
            fold = TaskFold(path, "ditto")
        self.assertGreater(fold.refused, 60)
        self.assertGreater(len(fold.mapped), 300)
        long = [twin for thing, twin in fold.twins.items() if not mapped.is_nameable(thing)]
        self.assertEqual(len(LONG_NAMES), sum(twin.revision > 30 for twin in long))
        self.assertTrue(all("h" not in ((twin.document or {}).get("features") or {}) for twin in long))


if __name__ == "__main__":
    unittest.main()
