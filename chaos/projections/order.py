"""The order of emitted records: what a task emits with one key lies in one partition, in the order in which it was made.

Told by `egiz-id` alone: the offset of the record that it was made of, and its number within that; of a tick its time, and its number
within the task. Records and ticks are two rows of their own: which came first only the stream time of the task could say. A
repeat of a record that was there before is no news: readers drop it.
"""

import glob
import os
import re

from chaos.fold import log_file
from chaos.projections.outcome import Outcome

NAME = "order of emitted records"
# place, incarnation, tick or offset, number; a dead letter is the only record that its input makes.
_IDENTITY = re.compile(r"(.+)@(\d+)/(t?)(\d+)/(\d+|dlq)")
_FILE = re.compile(r"(.+)-(\d+)\.log")


def outputs(tasks):
    """(path, partition, partitions of its topic) of every recorded file that is no task's input."""
    inputs = {task.path for task in tasks}
    folder = os.path.dirname(tasks[0].path)
    found = {}
    for path in glob.glob(os.path.join(glob.escape(folder), "*.log")):
        if path not in inputs:
            topic, partition = _FILE.fullmatch(os.path.basename(path)).groups()
            found.setdefault(topic, []).append((path, int(partition)))
    return [(path, partition, len(files)) for files in found.values() for path, partition in files]


def check(job):
    """The Outcome of one partition of an output."""
    path, partition, partitions = job
    outcome, seen, last, homes = Outcome(), set(), {}, {}
    for record in log_file.read(path):
        where = f"{os.path.basename(path)} at {record.offset}"
        text = next((line[8:] for line in record.headers.split(b"\n") if line.startswith(b"egiz-id=")), None)
        identity = None if text is None else _IDENTITY.fullmatch(text.decode("utf-8", "replace"))
        if identity is None:
            outcome.double(1, f"{where}: a record with the egiz-id {text}, which nothing in this topology emits")
            continue
        if text in seen:
            continue
        seen.add(text)
        outcome.checked += 1
        # Without a key there is nothing whose order could be meant.
        if record.key is None:
            continue
        home = homes.get(record.key)
        if home is None:
            home = homes[record.key] = (_murmur2(record.key) & 0x7FFFFFFF) % partitions
        if home != partition:
            outcome.lose(1, f"{where}: {record.key} belongs in partition {home}, behind others of its key")
        place, incarnation, tick, offset, number = identity.groups()
        rank = int(incarnation), int(offset), 0 if number == "dlq" else int(number)
        row = place, record.key, tick
        before = last.get(row)
        if before is not None and rank < before:
            outcome.lose(1, f"{where}: {text.decode()} comes behind {'/'.join(map(str, before))} of the same key")
        else:
            last[row] = rank
    return outcome


def _murmur2(data):
    """The hash of Kafka's default partitioner."""
    length, mask = len(data), 0xFFFFFFFF
    value = 0x9747B28C ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        part = int.from_bytes(data[at:at + 4], "little") * 0x5BD1E995 & mask
        part = (part ^ part >> 24) * 0x5BD1E995 & mask
        value = value * 0x5BD1E995 & mask ^ part
    if length > whole:
        value = (value ^ int.from_bytes(data[whole:], "little")) * 0x5BD1E995 & mask
    value = (value ^ value >> 13) * 0x5BD1E995 & mask
    return value ^ value >> 15
