"""Reading a record of a Ditto topic (sections 1 to 3): an event, or why it is none."""

from . import instant, json_text, pointer, rules
from .verdict import DeadLetter, Ignored

CRITERIA = {"commands", "events", "messages", "search", "streaming", "errors", "acks", "announcements"}
ACTIONS = {"created", "modified", "merged", "deleted", "migrated"}

_topics = {}


class Event:
    """One twin event: what it does to which thing. `time` is None where the event has no timestamp."""

    __slots__ = ("thing", "action", "resource", "keys", "prefixes", "value", "revision", "time", "metadata")


def decode(data):
    """The Event of a record's value; raises DeadLetter or Ignored."""
    if data is None:
        raise Ignored("tombstone")
    record = json_text.parse(data)
    if not isinstance(record, dict) or not isinstance(record.get("topic"), str):
        raise DeadLetter("envelope")
    event = Event()
    event.thing, event.action = _topic(record["topic"])
    if not rules.is_id(event.thing):
        raise DeadLetter("thing-id")
    revision = _members(record)
    event.resource, event.keys, event.prefixes = pointer.parse(record["path"])
    _allowed(event)
    if revision is None or not 1 <= revision < 2**63:
        raise DeadLetter("revision")
    event.revision = revision
    stamp = record.get("timestamp")
    event.time = None if stamp is None else instant.parse(stamp)
    event.metadata = record.get("metadata")
    event.value = record.get("value")
    if event.action != "deleted":
        if "value" not in record:
            raise DeadLetter("value")
        _value(event)
    return event


def _topic(topic):
    found = _topics.get(topic)
    if found is None:
        try:
            found = _classify(topic)
        except (Ignored, DeadLetter) as refusal:
            found = refusal
        if len(_topics) > 50_000:
            _topics.clear()
        _topics[topic] = found
    if isinstance(found, Exception):
        raise type(found)(found.reason)
    return found


def _classify(topic):
    parts = topic.split("/")
    # A trailing slash or surplus segments after the action pass; empty segments in between do not.
    while len(parts) > 1 and parts[-1] == "":
        parts.pop()
        if len(parts) > 1 and parts[-1] == "":
            raise DeadLetter("topic")
    if "" in parts[1:] or len(parts) < 4:
        raise DeadLetter("topic")
    group = parts[2]
    if group in ("policies", "connections"):
        if parts[3] not in CRITERIA:
            raise DeadLetter("topic")
        raise Ignored("not-thing")
    if group != "things" or parts[3] not in ("twin", "live") or len(parts) < 5 or parts[4] not in CRITERIA:
        raise DeadLetter("topic")
    if parts[3] == "live":
        raise Ignored("live")
    if parts[4] != "events":
        raise Ignored("not-event")
    if len(parts) < 6 or parts[5] not in ACTIONS:
        raise DeadLetter("topic")
    return parts[0] + ":" + parts[1], parts[5]


def _members(record):
    """Types of the other members; the revision as an integer, None where it is missing or none."""
    if not isinstance(record.get("path"), str):
        raise DeadLetter("envelope")
    for name in ("headers", "extra", "metadata"):
        if name in record and not rules.is_section(record[name]):
            raise DeadLetter("envelope")
    if record.get("timestamp") is not None and not isinstance(record["timestamp"], str):
        raise DeadLetter("envelope")
    status = record.get("status")
    if status is not None and (isinstance(status, bool) or not isinstance(status, int)):
        raise DeadLetter("envelope")
    if record.get("fields") is not None and not isinstance(record["fields"], str):
        raise DeadLetter("envelope")
    revision = record.get("revision")
    if revision is not None:
        if isinstance(revision, float) and revision == int(revision):
            revision = int(revision)
        if isinstance(revision, bool) or not isinstance(revision, int):
            raise DeadLetter("revision")
    return revision


def _allowed(event):
    if event.resource == pointer.POLICY_ID and event.action not in ("modified", "merged"):
        raise DeadLetter("path")
    if event.action == "migrated" and event.resource != pointer.THING:
        raise DeadLetter("path")


def _value(event):
    value, resource = event.value, event.resource
    if resource == pointer.THING:
        _whole(event)
    elif event.action == "merged":
        return  # whatever fits is known after the merge
    elif resource == pointer.POLICY_ID:
        if not rules.is_id(value):
            raise DeadLetter("value")
    elif resource == pointer.DEFINITION:
        if not rules.is_definition(value):
            raise DeadLetter("value")
    elif resource in (pointer.ATTRIBUTES, pointer.PROPERTIES):
        if not rules.is_section(value):
            raise DeadLetter("value")
    elif resource == pointer.FEATURES:
        event.value = rules.features(value, "value")
    elif resource == pointer.FEATURE:
        event.value = rules.feature(value, "value")
    elif resource == pointer.FEATURE_DEFINITION:
        if value is not None and not rules.is_feature_definition(value):
            raise DeadLetter("value")


def _whole(event):
    value = event.value
    if not isinstance(value, dict):
        raise DeadLetter("value")
    if event.action == "merged":
        if "thingId" in value and value["thingId"] != event.thing:
            raise DeadLetter("identity")
        return
    if not isinstance(value.get("thingId"), str):
        raise DeadLetter("value")
    known = rules.thing(value, "value")
    if value["thingId"] != event.thing:
        raise DeadLetter("identity")
    if event.action == "created":
        for name in ("_created", "_modified"):
            if isinstance(value.get(name), str):
                known[name] = value[name]
        if isinstance(value.get("_metadata"), dict):
            known["_metadata"] = value["_metadata"]
    event.value = known
