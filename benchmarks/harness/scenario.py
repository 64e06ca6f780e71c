"""What is measured: one topic, and how the two read it."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Scenario:
    name: str
    machines: int = 1000
    paths: int = 5
    partitions: int = 4
    codec: str = "lz4"
    format: str = "ditto"
    #: Records that an epoch may hold, of the engine (`commit.maxRecords`) and of the yardstick alike.
    epoch: int = 50_000
    #: The yardstick upserts twins as well.
    twins: bool = False
    #: More processors of the engine's topology, in YAML; the yardstick does nothing of the kind.
    more: str = ""

    @property
    def samples(self):
        """Samples that `events` events make: those that create a thing carry none."""
        return lambda events: events - (min(self.machines, events) if self.format == "ditto" else 0)

    def describe(self):
        return (f"{self.machines:,} machines x {self.paths} paths, {self.partitions} partitions, {self.codec}, {self.format}"
                + (f", epochs of {self.epoch:,}" if self.epoch != 50_000 else "")
                + (", yardstick with twins" if self.twins else ""))

    def topology(self, topic):
        commit = f"\n  commit: {{ maxRecords: {self.epoch}, maxBytes: 1GiB }}"
        return f"""apiVersion: egiz/v1
kind: Topology
metadata: {{ name: bench }}
spec:{commit}
  sources:
    events: {{ topics: [{{ name: {topic}, partitions: {self.partitions} }}], format: {self.format} }}
  processors:
    twins: {{ kind: twin-projector, from: events }}
    history: {{ kind: history-writer, from: twins }}
{self.more}"""


BASE = Scenario("history+twins")

#: Goal 1 names these: one thing changed at a time.
MATRIX = [
    BASE,
    replace(BASE, name="10 machines", machines=10),
    # Rule 27: few samples a series, so an epoch may hold a million records; the yardstick likewise, and it upserts twins.
    replace(BASE, name="100,000 machines", machines=100_000, epoch=1_000_000, twins=True),
    replace(BASE, name="1 partition", partitions=1),
    replace(BASE, name="64 partitions", partitions=64),
    replace(BASE, name="telemetry", format="telemetry"),
    replace(BASE, name="1 path", paths=1),
    replace(BASE, name="50 paths", paths=50),
    replace(BASE, name="uncompressed", codec="none"),
    replace(BASE, name="zstd", codec="zstd"),
]

#: Goal 2: what else a topology may do with the same events.
ROLLUP = replace(
    BASE, name="history+twins+rollup",
    more='    minutes: { kind: rollup, from: twins, include: ["/features/*/properties/**"], interval: 1m, grace: 10s }\n')

EVERYTHING = replace(
    ROLLUP, name="history+twins+bindings+alerts+rollup",
    more=ROLLUP.more + """    scene:
      kind: binding-evaluator
      from: twins
      bindings:
        - { objectName: Tank, target: color, path: features.f0.temperature, range: { in: [20, 90], out: ["#0000ff", "#ff0000"] } }
        - { objectName: Lamp, target: visibility, path: features.f1.temperature, expression: value > 75 }
    alerts:
      kind: alert-rule
      from: twins
      rules:
        - { name: hot, when: features.f0.temperature > 78, margin: 10, severity: critical, message: "{name} is hot" }
        - { name: warm, when: features.f2.temperature > 60 and features.f3.temperature > 60, for: 10s, message: "{name} is warm" }
""")

ALL = {scenario.name.replace(" ", "-").replace(",", ""): scenario for scenario in [*MATRIX, ROLLUP, EVERYTHING]}
