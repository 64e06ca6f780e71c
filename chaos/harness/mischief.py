"""Records that a well-behaved machine never sends: removals, merges, repeats, gaps, old times, broken text."""

import json
import random
import time
from datetime import datetime, timedelta, timezone

from confluent_kafka import Producer

THINGS = 120
# Of things whose names are so long that `mapped` of chaos/topology.yaml refuses what it would tell of them. So many of the events
# are theirs that an epoch has several of one thing, some refused and some not.
LONG_NAMES = [f"long-{number}-".ljust(244, "x") for number in range(4)]
LONG_SHARE = 0.15
# Seconds that mischief may be ahead of the machines; less than a window's grace.
AHEAD = 5


class Mischief:
    """Makes records; pure but for the clock it is given."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._revisions = {}
        self._alive = set()
        self._last_time = {}

    def ditto(self, now):
        """(key, value) of one record of the Ditto topic; `now` in seconds."""
        chance = self._random
        is_long = chance.random() < LONG_SHARE
        name = chance.choice(LONG_NAMES) if is_long else f"thing-{chance.randrange(THINGS):03d}"
        key = f"chaos.edge:{name}"
        kind = chance.random()
        if kind < 0.02:
            return key, self._broken(name, key)
        if kind < 0.03:
            return key, self._foreign(name)
        if kind < 0.035:
            ghost = f"ghost-{name[:20]}"
            return f"chaos.edge:{ghost}", self._event(ghost, "modified", "/attributes/a", 1, 7, now)
        revision = self._revisions.get(name, 0)
        if name not in self._alive:
            self._alive.add(name)
            return key, self._next(name, "created", "/", self._thing(key), now)
        if kind < 0.05 and revision > 1:
            old = revision if chance.random() < 0.5 else chance.randrange(1, revision)
            return key, self._event(name, "modified", "/attributes/repeated", old, old, now)
        if kind < 0.055:
            self._alive.discard(name)
            return key, self._next(name, "deleted", "/", None, now)
        if kind < 0.06:
            return key, self._next(name, "created", "/", self._thing(key), now)
        if kind < 0.07:
            self._revisions[name] = revision + chance.randrange(1, 4)  # some events never arrived
        if kind < 0.09:
            return key, self._next(name, "modified", "/", self._thing(key), now)
        if kind < 0.30:
            return key, self._next(name, "merged", *self._patch(), now)
        if kind < 0.40:
            return key, self._next(name, "deleted", self._path(), None, now)
        return key, self._next(name, chance.choice(("modified", "modified", "created")), self._path(), self._value(), now)

    def telemetry(self, now):
        """(key, value) of one record of the telemetry topic."""
        chance = self._random
        key = f"chaos.plain:thing-{chance.randrange(THINGS):03d}"
        kind = chance.random()
        if kind < 0.01:
            return key, chance.choice((b'{"thingId":', b"\xff\xfe", b"nonsense", b'{"thingId":"no-colon","features":{}}'))
        record = {"thingId": key, "features": {
            chance.choice("abc"): {chance.choice("uvwxyz"): self._value() for _ in range(chance.randrange(1, 4))}}}
        if kind < 0.3:
            record["timestamp"] = int(self._moment(key, now) * 1000)
        elif kind < 0.9:
            record["timestamp"] = _text(self._moment(key, now))
        return key, _json(record)

    def _next(self, name, action, path, value, now):
        self._revisions[name] = self._revisions.get(name, 0) + 1
        return self._event(name, action, path, value, self._revisions[name], now)

    def _event(self, name, action, path, value, revision, now):
        record = {"topic": f"chaos.edge/{name}/things/twin/events/{action}", "path": path, "revision": revision}
        if action != "deleted":
            record["value"] = value
        if self._random.random() < 0.95:
            record["timestamp"] = _text(self._moment(name, now))
        return _json(record)

    def _moment(self, name, now):
        """Mostly now, at times late, at times exactly the time of the event before."""
        kind = self._random.random()
        if kind < 0.05 and name in self._last_time:
            return self._last_time[name]
        moment = now - (self._random.uniform(0, 3600) if kind < 0.10 else 0)
        self._last_time[name] = moment
        return moment

    def _path(self):
        chance = self._random
        if chance.random() < 0.4:
            return "/attributes" + "".join("/" + chance.choice("abcd") for _ in range(chance.randrange(1, 4)))
        feature = "/features/" + chance.choice(("f", "g", "h"))
        if chance.random() < 0.05:
            return feature + "/properties"
        return feature + "/properties" + "".join("/" + chance.choice("uvwx") for _ in range(chance.randrange(1, 3)))

    def _value(self):
        chance = self._random
        return chance.choice((
            lambda: round(chance.uniform(-100, 100), 3), lambda: round(chance.gauss(20, 3), 2),
            lambda: chance.randrange(-1000, 1000), lambda: chance.randrange(2**53, 2**63), lambda: chance.random() < 0.5,
            lambda: chance.choice(("running", "Füller", "日本", "a\u0000b", "")), lambda: [1, 2.5, {"a": None}],
            lambda: {"n": {"deep": chance.random()}, "s": "x"}))()

    def _patch(self):
        chance = self._random
        if chance.random() < 0.5:
            return "/attributes", {chance.choice("abcd"): chance.choice((None, self._value(), {"a": None, "b": 1}))}
        return "/", {"features": {chance.choice("fgh"): {"properties": {
            chance.choice("uvwx"): chance.choice((None, self._value())) for _ in range(2)}}}}

    def _thing(self, key):
        return {"thingId": key, "policyId": "chaos.edge:policy", "attributes": {"a": self._value(), "b": {"c": 1}},
                "features": {name: {"properties": {"u": self._value(), "v": 1}} for name in ("f", "g")}}

    def _broken(self, name, key):
        chance = self._random
        topic = f"chaos.edge/{name}/things/twin/events/modified"
        sound = {"topic": topic, "path": "/attributes/a", "value": 1, "revision": self._revisions.get(name, 0) + 1}
        return chance.choice((
            b"{", b"[]", b'{"topic":1}', b"\xc3(", _json({**sound, "path": "/nowhere"}),
            _json({**sound, "revision": "7"}), _json({**sound, "timestamp": "yesterday"}),
            _json({**sound, "timestamp": "1900-01-01T00:00:00Z"}), _json({**sound, "topic": topic.replace("events", "evnts")}),
            _json({**sound, "path": "/", "value": {"thingId": "chaos.edge:somebody-else"}}),
            _json({**sound, "path": "/", "value": 5})))

    def _foreign(self, name):
        return self._random.choice((
            None, _json({"topic": f"chaos.edge/{name}/things/live/messages/ask", "path": "/inbox/messages/ask"}),
            _json({"topic": f"chaos.edge/{name}/policies/events/modified", "path": "/entries", "revision": 900}),
            _json({"topic": f"chaos.edge/{name}/things/twin/commands/modify", "path": "/attributes/a", "value": 3})))


def run(brokers, ditto_topic, telemetry_topic, rate, seed, linger, pause, stop, progress):
    """Sends `rate` records a second until `stop`; waits while `pause` is set. Runs in a process of its own.

    `progress`: seconds of the schedule that the machines have worked off. They need a while for what a pause held back; who is
    ahead of them by more than the windows' grace pushes stream time beyond their events, and millions of them come late.
    """
    mischief = Mischief(seed)
    chance = random.Random(seed + 1)
    producer = Producer({
        "bootstrap.servers": brokers, "partitioner": "murmur2_random", "enable.idempotence": True, "linger.ms": linger,
        "compression.codec": "zstd", "message.timeout.ms": 300_000, "queue.buffering.max.messages": 1_000_000})
    # Like the machines it keeps its schedule: what a pause held back is sent afterwards, with the time it was due.
    began, clock, sent = time.monotonic(), time.time(), 0
    while not stop.is_set():
        if pause.is_set():
            stop.wait(0.05)
            continue
        due = int(min(time.monotonic() - began, progress.value + AHEAD) * rate)
        while sent < due and not pause.is_set():
            now = clock + sent / rate
            # Events without a time of their own have the record's: the wall clock, while the schedule lags, would be far ahead.
            if chance.random() < 0.7:
                key, value = mischief.ditto(now)
                producer.produce(ditto_topic, value, key, timestamp=int(now * 1000))
            else:
                key, value = mischief.telemetry(now)
                producer.produce(telemetry_topic, value, key, timestamp=int(now * 1000))
            sent += 1
            if sent % 100 == 0:
                producer.poll(0)
        producer.poll(0)
        stop.wait(0.02)
    if producer.flush(60):
        raise SystemExit("chaos: the producer could not deliver all its records")


def _text(seconds):
    moment = datetime.fromtimestamp(0, timezone.utc) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
