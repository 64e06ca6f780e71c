"""The plain telemetry format: values of one thing, folded as a merge of the properties of its features."""

from . import instant, json_text, rules
from .merge import merge
from .verdict import DeadLetter, Ignored


class Reading:
    """One telemetry record. `time` is in nanoseconds, that of the Kafka record where it says none."""

    __slots__ = ("thing", "patch", "time")


def decode(data, record_time):
    """The Reading of a record's value; `record_time` in nanoseconds. Raises DeadLetter or Ignored."""
    if data is None:
        raise Ignored("tombstone")
    record = json_text.parse(data)
    if not isinstance(record, dict) or not isinstance(record.get("thingId"), str):
        raise DeadLetter("envelope")
    reading = Reading()
    reading.thing = record["thingId"]
    if not rules.is_id(reading.thing):
        raise DeadLetter("thing-id")
    stamp = record.get("timestamp")
    if stamp is None:
        reading.time = record_time
    elif isinstance(stamp, str):
        reading.time = instant.parse(stamp)
    elif isinstance(stamp, bool) or not isinstance(stamp, int):
        raise DeadLetter("timestamp")
    else:
        reading.time = stamp * 10**6
    features = record.get("features")
    if not isinstance(features, dict) or not all(isinstance(item, dict) for item in features.values()):
        raise DeadLetter("value")
    reading.patch = {"features": {name: {"properties": item} for name, item in features.items()}}
    return reading


def apply(twin, reading, changes=None):
    """Folds a reading into a twin; the thing is created on first sight, its revision counts its events."""
    stamp = instant.canonical(reading.time)
    if twin.document is None:
        twin.document = {"_created": stamp}
    before = {name: value for name, value in twin.document.items() if name != "_modified"}
    twin.document = merge(reading.patch, before, "", changes)
    twin.document["_modified"] = stamp
    twin.revision += 1
    twin.time = reading.time
