"""The fold of one partition of the log: what every projection of its task must hold."""

import copy

from . import ditto, instant, log_file, mapped, telemetry
from .leaves import ABSENT
from .twin import Twin
from .verdict import DeadLetter, Ignored

COUNTERS = (
    "records", "applied", "samples", "deadLetters", "duplicate", "stale", "orphan", "tombstone", "notThing", "live",
    "notEvent", "gaps", "missed", "resets", "keyMismatch", "longPaths")
_COUNTER_OF_REASON = {"not-thing": "notThing", "not-event": "notEvent"}
_MINUTE = 60_000_000
_LONGEST_PATH = 1024


class TaskFold:
    """Twins, samples, counters and dead letters of one partition.

    `series[thing, path]` lists (time, value, stream time before the record, offset) in the order of the log, times in
    microseconds; value is ABSENT where the path ceased to exist. `mapped` lists the offsets of the records that the processor
    `mapped` tells of, `refused` counts those that it refuses: nothing of them stays in any projection.
    """

    def __init__(self, path, format):
        self.twins = {}
        self.series = {}
        self.counters = dict.fromkeys(COUNTERS, 0)
        self.dead_letters = {}
        self.next_offset = 0
        self.stream_time = None
        self.mapped = []
        self.refused = 0
        self._unnameable = set()
        self._format = format
        for record in log_file.read(path):
            self._fold(record)
        for name in ("gaps", "missed", "resets"):
            self.counters[name] = sum(getattr(twin, name) for twin in self.twins.values())

    def _fold(self, record):
        if record.offset != self.next_offset:
            raise ValueError(f"the recorded log leaps from {self.next_offset} to {record.offset}")
        self.next_offset = record.offset + 1
        counters = self.counters
        counters["records"] += 1
        changes = {}
        before = self.stream_time
        try:
            thing, time = self._apply(record, changes)
        except DeadLetter as refusal:
            counters["deadLetters"] += 1
            self.dead_letters[record.offset] = refusal.reason
            return
        except Ignored as refusal:
            counters[_COUNTER_OF_REASON.get(refusal.reason, refusal.reason)] += 1
            return
        counters["applied"] += 1
        for path, value in changes.items():
            if len(path) > _LONGEST_PATH // 4 and len(path.encode()) > _LONGEST_PATH:
                counters["longPaths"] += 1
                continue
            counters["samples"] += 1
            samples = self.series.get((thing, path))
            if samples is None:
                samples = self.series[thing, path] = []
            samples.append((time, value, before, record.offset))

    def _apply(self, record, changes):
        record_time = record.timestamp * 10**6
        if self._format == "ditto":
            event = ditto.decode(record.value)
            nanoseconds = record_time if event.time is None else event.time
        else:
            event = telemetry.decode(record.value, record_time)
            nanoseconds = event.time
        if not instant.EARLIEST <= nanoseconds < instant.LATEST:
            raise DeadLetter("time")
        if record.key is None or record.key.decode("utf-8", "replace") != event.thing:
            self.counters["keyMismatch"] += 1
        # No event moves stream time beyond the clock of Kafka, but for a minute (rule 16).
        moment = min(nanoseconds // 1000, record.timestamp * 1000 + _MINUTE)
        if self.stream_time is None or moment > self.stream_time:
            self.stream_time = moment
        twin = self.twins.get(event.thing)
        if twin is None:
            twin = self.twins[event.thing] = Twin(event.thing)
            if not mapped.is_nameable(event.thing):
                self._unnameable.add(event.thing)
        if self._format == "ditto":
            # A twin is changed where it lies.
            before = copy.deepcopy(twin) if event.thing in self._unnameable else None
            twin.apply(event, changes)
            if mapped.concerns(changes):
                if before is not None:
                    self.twins[event.thing] = before
                    self.refused += 1
                    raise DeadLetter("thing-id")
                self.mapped.append(record.offset)
        else:
            telemetry.apply(twin, event, changes)
        twin.origin = record.offset
        time = nanoseconds // 1000
        return event.thing, time


__all__ = ["ABSENT", "COUNTERS", "TaskFold"]
