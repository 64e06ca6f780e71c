"""The comparison must find what is lost and what is there twice, or a run would prove nothing."""

import struct
import tempfile
import types
import unittest

from chaos.fold import log_file
from chaos.fold.leaves import ABSENT
from chaos.projections.binary_array import TO_1970
from chaos.projections.counters import Counters
from chaos.projections.dead_letters import DeadLetters
from chaos.projections.emitted import Emitted
from chaos.projections.history import ABSENT_KIND, BOOLEAN, NUMBER, TEXT, History
from chaos.projections.projection import Task
from chaos.projections.rollup import GRACE, INTERVAL, Rollup
from chaos.projections.twins import Twins

TASK = Task("s.events", "topic", 0, "ditto", "")
T0 = 1_772_431_242_120_000


def array(items, letter, kind):
    """A Postgres array in binary form."""
    if items is None:
        return None
    body = b""
    for item in items:
        data = None if item is None else item.encode() if letter == "s" else struct.pack(">" + letter, item)
        body += struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data
    return struct.pack(">iiIii", 1, int(None in items), kind, len(items), 1) + body


def segment(kind, times, numbers=None, texts=None, path="/a"):
    return ("ns:t", path, kind, len(times), array([time - TO_1970 for time in times], "q", 1184),
            array(numbers, "d", 701), array(texts, "s", 25))


def sample(time, value, offset=0):
    return (time, value, None, offset)


class HistoryComparison(unittest.TestCase):
    def compare(self, samples, *segments):
        outcome = History().compare({("ns:t", "/a"): samples}, iter(segments))
        return outcome.lost, outcome.doubled

    def test_equal_is_equal(self):
        samples = [sample(T0, 1), sample(T0 + 1, 2.5), sample(T0 + 2, "x"), sample(T0 + 3, True), sample(T0 + 4, ABSENT)]
        self.assertEqual((0, 0), self.compare(
            samples, segment(NUMBER, [T0, T0 + 1], [1.0, 2.5]), segment(TEXT, [T0 + 2], None, ["x"]),
            segment(BOOLEAN, [T0 + 3], [1.0]), segment(ABSENT_KIND, [T0 + 4])))

    def test_an_epoch_written_twice_is_doubled_although_the_view_hides_it(self):
        once = segment(NUMBER, [T0, T0 + 1], [1.0, 2.0])
        self.assertEqual((0, 2), self.compare([sample(T0, 1), sample(T0 + 1, 2)], once, once))

    def test_a_time_that_the_log_has_twice_may_stand_in_two_segments_and_the_later_one_wins(self):
        samples = [sample(T0, 1), sample(T0, 2, 1)]
        self.assertEqual((0, 0), self.compare(samples, segment(NUMBER, [T0], [1.0]), segment(NUMBER, [T0], [2.0])))
        self.assertEqual((0, 0), self.compare(samples, segment(NUMBER, [T0], [2.0])))
        self.assertEqual((1, 0), self.compare(samples, segment(NUMBER, [T0], [2.0]), segment(NUMBER, [T0], [1.0])))

    def test_a_missing_sample_a_wrong_value_and_a_wrong_kind_are_lost(self):
        self.assertEqual((1, 0), self.compare([sample(T0, 1), sample(T0 + 1, 2)], segment(NUMBER, [T0], [1.0])))
        self.assertEqual((1, 0), self.compare([sample(T0, 1)], segment(NUMBER, [T0], [1.5])))
        self.assertEqual((1, 0), self.compare([sample(T0, True)], segment(NUMBER, [T0], [1.0])))
        self.assertEqual((2, 0), self.compare([sample(T0, 1), sample(T0 + 1, 2)]))

    def test_a_sample_that_the_log_does_not_have_is_doubled(self):
        self.assertEqual((0, 1), self.compare([sample(T0, 1)], segment(NUMBER, [T0, T0 + 9], [1.0, 1.0])))

    def test_integers_beyond_a_double_are_compared_by_their_text(self):
        big = 2**53 + 1
        self.assertEqual((0, 0), self.compare([sample(T0, big)], segment(NUMBER, [T0], [float(big)], [str(big)])))
        self.assertEqual((1, 0), self.compare([sample(T0, big)], segment(NUMBER, [T0], [float(big)])))
        self.assertEqual((1, 0), self.compare([sample(T0, big)], segment(NUMBER, [T0], [float(big)], [str(big - 1)])))


class OtherComparisons(unittest.TestCase):
    def test_a_twin_is_lost_when_it_lags_and_doubled_when_it_leads(self):
        expected = {"ns:t": (3, {"thingId": "ns:t"})}
        for actual, wanted in (
                ({"ns:t": (3, {"thingId": "ns:t"})}, (0, 0)), ({}, (1, 0)), ({"ns:t": (2, {"thingId": "ns:t"})}, (1, 0)),
                ({"ns:t": (4, {"thingId": "ns:t"})}, (0, 1)), ({"ns:t": (3, {"thingId": "ns:t", "attributes": {}})}, (1, 0)),
                ({"ns:t": (3, {"thingId": "ns:t"}), "ns:u": (1, {})}, (0, 1))):
            outcome = Twins().compare(expected, actual)
            self.assertEqual(wanted, (outcome.lost, outcome.doubled), actual)

    def test_dead_letters_are_compared_one_by_one(self):
        expected = {("topic", 0, 5): "json"}
        for actual, wanted in (
                ([(("topic", 0, 5), "json")], (0, 0)), ([], (1, 0)), ([(("topic", 0, 5), "path")], (1, 0)),
                ([(("topic", 0, 5), "json")] * 2, (0, 1)), ([(("topic", 0, 5), "json"), (("topic", 0, 6), "json")], (0, 1))):
            outcome = DeadLetters().compare(expected, actual)
            self.assertEqual(wanted, (outcome.lost, outcome.doubled), actual)

    def test_counters_say_how_many_are_missing_or_too_many(self):
        expected = {"records": 10, "samples": 7, "topic/0 next offset": 10}
        outcome = Counters().compare(expected, {"records": 12, "samples": 6, "topic/0 next offset": 10})
        self.assertEqual((1, 2), (outcome.lost, outcome.doubled))

    def test_a_window_counts_what_is_not_late_in_the_order_of_the_log(self):
        start = T0 // INTERVAL * INTERVAL
        end = start + INTERVAL
        fold = types.SimpleNamespace(stream_time=end + GRACE, series={("ns:t", "/a"): [
            (start + 1, 5, None, 0), (start, 1, start, 1), (start + 1, 7.5, start, 2), (start, True, start, 3),
            (start + 2, 100, end + GRACE, 4), (start + 2, ABSENT, start, 5)]})
        expected = Rollup().expected(fold, TASK)
        self.assertEqual({("ns:t", "/a", start): (3, 1.0, 7.5, 13.5, 1.0, 7.5, True)}, expected)
        for actual, wanted in (
                (expected, (0, 0)), ({}, (1, 0)), ({("ns:t", "/a", start): (5, 1.0, 7.5, 13.5, 1.0, 7.5, True)}, (0, 2)),
                ({("ns:t", "/a", start): (2, 1.0, 7.5, 13.5, 1.0, 7.5, True)}, (1, 0)),
                ({("ns:t", "/a", start): (3, 1.0, 7.5, 13.5, 5.0, 7.5, True)}, (1, 0)),
                ({("ns:t", "/a", start): (3, 1.0, 7.5, 13.5, 1.0, 7.5, False)}, (1, 0)),
                ({**expected, ("ns:t", "/b", start): (1,) * 6}, (0, 1))):
            outcome = Rollup().compare(expected, actual)
            self.assertEqual(wanted, (outcome.lost, outcome.doubled), actual)

    def test_a_window_is_final_as_soon_as_stream_time_has_passed_its_grace_and_not_before(self):
        start = T0 // INTERVAL * INTERVAL
        fold = types.SimpleNamespace(series={("ns:t", "/a"): [(start, 1, None, 0)]}, stream_time=None)
        row = (1, 1.0, 1.0, 1.0, 1.0, 1.0)
        for stream_time, is_final in ((start, False), (start + INTERVAL + GRACE - 1, False), (start + INTERVAL + GRACE, True)):
            fold.stream_time = stream_time
            expected = Rollup().expected(fold, TASK)
            self.assertEqual({("ns:t", "/a", start): (*row, is_final)}, expected)
            for said in (False, True):
                outcome = Rollup().compare(expected, {("ns:t", "/a", start): (*row, said)})
                self.assertEqual((int(said != is_final), 0), (outcome.lost, outcome.doubled), outcome.examples)

    def test_emitted_records_are_told_apart_by_their_id(self):
        task = Task("top.events", "in", 3, "ditto", "")
        place = "top/events/in/3"
        with tempfile.TemporaryDirectory() as folder:
            task.path = f"{folder}/in-3.log"
            with open(f"{folder}/x.out-0.log", "wb") as file:
                for number, offset in enumerate((5, 6, 6, 9)):
                    file.write(log_file.pack(number, 0, None, b"", f"egiz-id={place}@1/{offset}/0".encode()))
            for drops, wanted in ((False, (1, 2)), (True, (1, 1))):
                output = Emitted("out", lambda fold, task: [(5, 0), (6, 0), (7, 0)], drops)
                outcome = output.compare(output.expected(None, task), output.actual(None, task))
                self.assertEqual(wanted, (outcome.lost, outcome.doubled), outcome.examples)


if __name__ == "__main__":
    unittest.main()
