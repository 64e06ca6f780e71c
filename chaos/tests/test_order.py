"""The order of emitted records must be looked at, or a run would prove sets only."""

import tempfile
import types
import unittest

from chaos.fold import log_file
from chaos.projections import order

PLACE = "top/events/in/3"


class OrderComparison(unittest.TestCase):
    def check(self, records, partition=0, partitions=1):
        """`records`: (key, what stands behind the place in egiz-id; None: no such header)."""
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/x.out-{partition}.log"
            with open(path, "wb") as file:
                for offset, (key, rest) in enumerate(records):
                    identity = b"" if rest is None else f"egiz-id={rest if '@' in rest else PLACE + '@1/' + rest}".encode()
                    file.write(log_file.pack(offset, 0, key, b"", b"a=b\n" + identity))
            outcome = order.check((path, partition, partitions))
        return outcome.lost, outcome.doubled

    def test_rising_offsets_and_numbers_are_in_order(self):
        self.assertEqual((0, 0), self.check([(b"a", "5/0"), (b"a", "5/1"), (b"a", "10/0"), (b"a", "11/dlq"), (b"a", "12/0")]))

    def test_an_offset_or_a_number_that_falls_is_out_of_order(self):
        self.assertEqual((1, 0), self.check([(b"a", "10/0"), (b"a", "9/0"), (b"a", "11/0")]))
        self.assertEqual((1, 0), self.check([(b"a", "10/1"), (b"a", "10/0")]))

    def test_each_record_that_is_overtaken_is_counted(self):
        self.assertEqual((2, 0), self.check([(b"a", "12/0"), (b"a", "9/0"), (b"a", "10/0"), (b"a", "13/0")]))

    def test_keys_and_tasks_have_an_order_of_their_own(self):
        self.assertEqual((0, 0), self.check([(b"a", "10/0"), (b"b", "9/0"), (b"a", "top/events/in/4@1/2/0")]))

    def test_a_repeat_is_no_news_but_what_comes_first_behind_it_is(self):
        self.assertEqual((0, 0), self.check([(b"a", "9/0"), (b"a", "10/0"), (b"a", "9/0"), (b"a", "10/0"), (b"a", "11/0")]))
        self.assertEqual((1, 0), self.check([(b"a", "9/0"), (b"a", "11/0"), (b"a", "9/0"), (b"a", "10/0"), (b"a", "11/0")]))

    def test_ticks_are_in_order_among_themselves(self):
        self.assertEqual((0, 0), self.check([(b"a", "t100/7"), (b"a", "10/0"), (b"a", "t100/9"), (b"a", "11/0"), (b"a", "t200/12")]))
        self.assertEqual((1, 0), self.check([(b"a", "t200/7"), (b"a", "t100/9")]))
        self.assertEqual((1, 0), self.check([(b"a", "t100/9"), (b"a", "t100/7")]))

    def test_a_new_incarnation_of_the_log_begins_anew(self):
        self.assertEqual((0, 0), self.check([(b"a", "10/0"), (b"a", f"{PLACE}@2/1/0")]))
        self.assertEqual((1, 0), self.check([(b"a", f"{PLACE}@2/1/0"), (b"a", "10/0")]))

    def test_a_record_in_another_partition_than_that_of_its_key_has_no_order(self):
        self.assertEqual((0, 0), self.check([(b"21", "1/0")], partition=((-973932308) & 0x7FFFFFFF) % 7, partitions=7))
        self.assertEqual((1, 0), self.check([(b"21", "1/0")], partition=1 + ((-973932308) & 0x7FFFFFFF) % 6, partitions=7))

    def test_a_record_without_a_readable_id_should_not_be_there(self):
        self.assertEqual((0, 3), self.check([(b"a", None), (b"a", "x/0"), (b"a", "5/0r1"), (b"a", "6/0")]))

    def test_the_partitioner_is_that_of_kafka(self):
        # Apache Kafka, UtilsTest.testMurmur2.
        for key, wanted in ((b"21", -973932308), (b"foobar", -790332482), (b"a-little-bit-long-string", -985981536),
                            (b"a-little-bit-longer-string", -1486304829), (b"abc", 479470107)):
            self.assertEqual(wanted & 0xFFFFFFFF, order._murmur2(key), key)

    def test_every_recorded_file_but_the_inputs_is_looked_at(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("in-0", "in-1", "x.out-0", "x.out-1", "in.dlq-0"):
                open(f"{folder}/{name}.log", "wb").close()
            tasks = [types.SimpleNamespace(path=f"{folder}/in-{number}.log") for number in range(2)]
            self.assertEqual(
                [(f"{folder}/in.dlq-0.log", 0, 1), (f"{folder}/x.out-0.log", 0, 2), (f"{folder}/x.out-1.log", 1, 2)],
                sorted(order.outputs(tasks)))


if __name__ == "__main__":
    unittest.main()
