"""The engine and the yardsticks in alternation on one topic."""

import os
import re
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from statistics import median

from harness import broker as brokers
from harness.tools import HERE, compile_c, environment, say
from harness.worker import CatchUp, check

TOPIC = "bench.events"


@dataclass
class Outcome:
    scenario: object
    events: int
    broker: str
    engine: list = field(default_factory=list)
    yardstick: list = field(default_factory=list)
    reading: list = field(default_factory=list)
    python: list = field(default_factory=list)
    #: CPU microseconds an event, of the worker and of the yardstick; without Postgres and broker.
    cpu: list = field(default_factory=list)
    yardstick_cpu: list = field(default_factory=list)
    memory: list = field(default_factory=list)
    sample_bytes: float = 0.0

    @property
    def ratio(self):
        return median(self.engine) / median(self.yardstick)

    def facts(self):
        return {**asdict(self), "ratio": round(self.ratio, 3)}


class Yardsticks:
    def __init__(self, folder):
        self.produce = compile_c("yardstick/produce.c", folder, "rdkafka")
        self.consume = compile_c("yardstick/consume.c", folder, "rdkafka")
        self.pipeline = compile_c("yardstick/pipeline.cpp", folder, "rdkafka", "pq", "simdjson", "pthread")


def _output(command, env):
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=180)
    if done.returncode:
        raise RuntimeError(f"{os.path.basename(command[0])} ended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def _children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def fill(programs, broker, scenario, events, topic=TOPIC):
    env = environment(broker.library_path)
    done = subprocess.run(
        [programs.produce, broker.bootstrap, topic, str(events), str(scenario.machines), str(scenario.paths), scenario.codec,
         scenario.format], env=env, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"produce ended with {done.returncode}: {done.stderr}")


def compare(programs, choice, database, scenario, events, rounds, folder, python=False, profile=None):
    """Runs `rounds` rounds; every round begins with an empty schema. `profile`: one more run of the engine, under perf."""
    broker = brokers.start(choice, folder, {TOPIC: scenario.partitions})
    outcome = Outcome(scenario, events, broker.name)
    env = environment(broker.library_path)
    flags = (["--telemetry"] if scenario.format == "telemetry" else []) + (["--twins"] if scenario.twins else [])
    try:
        fill(programs, broker, scenario, events)
        for number in range(rounds):
            database.empty()
            run = CatchUp(database, broker, scenario, TOPIC, events, folder)
            if run.letters:
                raise RuntimeError(f"{run.letters} dead letters")
            outcome.engine.append(run.rate)
            outcome.cpu.append(run.cpu / events * 1e6)
            outcome.memory.append(run.memory)
            if number == rounds - 1:
                outcome.sample_bytes = check(database, scenario, events)
            database.empty()
            before = _children_cpu()
            text = _output([programs.pipeline, broker.bootstrap, TOPIC, str(events), database.url, str(scenario.epoch),
                            str(scenario.partitions), *flags], env)
            outcome.yardstick_cpu.append((_children_cpu() - before) / events * 1e6)
            outcome.yardstick.append(float(re.search(r"=> (\d+) events", text).group(1)))
            text = _output([programs.consume, broker.bootstrap, TOPIC, str(events), "read", str(scenario.partitions)], env)
            outcome.reading.append(float(re.search(r"s (\d+) msg/s", text).group(1)))
            if python:
                text = _output([sys.executable, os.path.join(HERE, "yardstick", "consumer.py"), broker.bootstrap, TOPIC,
                                str(events), database.url, str(scenario.partitions)], environment())
                outcome.python.append(float(re.search(r", (\d+) events/s", text).group(1)))
            say(f"bench: {scenario.name}, round {number + 1}: engine {outcome.engine[-1]:,.0f}, "
                f"yardstick {outcome.yardstick[-1]:,.0f}, only reading {outcome.reading[-1]:,.0f} events/s"
                + (f", Python {outcome.python[-1]:,.0f}" if python else ""))
        if profile:
            database.empty()
            CatchUp(database, broker, scenario, TOPIC, events, folder, profile=profile)
    finally:
        broker.end()
    return outcome
