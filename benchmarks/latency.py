#!/usr/bin/env python3
"""Measures how long after an event is produced its effects can be seen (goal 3).

    make bench-latency                     5,000/s with commit.interval 10ms, then 20,000/s with the default interval
    make bench-latency SECONDS=60 RECORD=1

`floor` is a plain C consumer of the same topic: what broker and librdkafka need without the engine.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

from harness import broker as brokers
from harness import report
from harness.database import Postgres
from harness.tools import EGIZ, Child, compile_c, ended_by_signal, environment, free_port, say

TOPIC = "bench.steady"
#: Of each broker, how the same load comes. Tansu takes about 2,000 requests a second and the embedded one some 4,000, a batch of one
#: event each would be more; the embedded one also walks all batches of a partition at each fetch.
LINGER = {"tansu": 5, "embedded": 2}
#: Goal 3, in milliseconds.
GOALS = {"steady": {"row p50": 12, "row p99": 30}, "busy": {"rest p99": 150, "output p99": 250}}


def topology(interval, partitions):
    commit = f"\n  commit: {{ interval: {interval} }}" if interval else ""
    return f"""apiVersion: egiz/v1
kind: Topology
metadata: {{ name: bench }}
spec:{commit}
  sources:
    events: {{ topics: [{{ name: {TOPIC}, partitions: {partitions} }}], format: ditto }}
  processors:
    twins: {{ kind: twin-projector, from: events }}
    history: {{ kind: history-writer, from: twins }}
"""


def measure(program, choice, database, rate, seconds, interval, folder, sees_all, partitions, linger):
    """One run: figures by name, in milliseconds, and what the processes used."""
    database.empty()
    broker = brokers.start(choice, folder, {TOPIC: partitions, f"{TOPIC}.dlq": partitions})
    children = []
    try:
        path = os.path.join(folder, "steady.yaml")
        with open(path, "w") as file:
            file.write(topology(interval, partitions))
        env = environment(broker.library_path, EGIZ_KAFKA_BROKERS=broker.bootstrap, EGIZ_DATABASE_URL=database.url)
        worker = Child("worker", [EGIZ, "worker", path], folder, env)
        children.append(worker)
        wait_for_tasks(database, worker, partitions)
        command = [program, broker.bootstrap, TOPIC, database.url, str(rate), str(seconds), "1000",
                   "--floor", "--linger", str(linger)]
        if sees_all:
            port = free_port()
            api = Child("api", [EGIZ, "api"], folder, {**env, "EGIZ_HTTP_ADDRESS": f"127.0.0.1:{port}"})
            children.append(api)
            wait_for_port(port, api)
            command += ["--rest", str(port), "--output", f"{TOPIC}.dlq"]
        before = worker.cpu_seconds
        done = subprocess.run(command, env=environment(broker.library_path), capture_output=True, text=True,
                              timeout=seconds + 60)
        if done.returncode:
            raise RuntimeError(f"latency ended with {done.returncode}: {done.stderr}{done.stdout}\n{worker.tail()}")
        figures = {"name": broker.name, "linger": linger, "cpu": (worker.cpu_seconds - before) / (seconds + 5)}
        for line in done.stdout.splitlines():
            words = line.split()
            for key, value in zip(words[1::2], words[2::2]):
                figures[f"{words[0]} {key}"] = float(value)
        return figures
    finally:
        for child in reversed(children):
            child.stop()
        broker.end()


def wait_for_tasks(database, worker, partitions):
    deadline = time.monotonic() + 60
    with database.connect() as connection:
        while time.monotonic() < deadline and worker.is_running:
            time.sleep(0.1)
            if connection.execute("select to_regclass('egiz.task')").fetchone()[0] is None:
                continue
            owned = connection.execute(
                "select count(*) from egiz.task where worker_id is not null and released_at is null").fetchone()[0]
            if owned == partitions:
                return
    raise RuntimeError(f"the worker took no tasks:\n{worker.tail()}")


def wait_for_port(port, child):
    import socket

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and child.is_running:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"no answer at {port}:\n{child.tail()}")


def table(runs):
    lines = ["| load | from produce to | p50, ms | p90 | p99 | most | of | goal |", "|---|---|---|---|---|---|---|---|"]
    names = {"row": "a visible row", "rest": "REST", "output": "a read_committed reader of the output",
             "floor": "a plain consumer, without the engine (floor)"}
    for load, goal, figures in runs:
        for name, text in names.items():
            if f"{name} p50" not in figures:
                continue
            wanted = ", ".join(f"{key.split()[1]} < {value}" for key, value in GOALS[goal].items() if key.startswith(name))
            lost = f", {figures[f'{name} missing']:.0f} not seen" if figures[f"{name} missing"] else ""
            lines.append(
                f"| {load} | {text} | {figures[f'{name} p50']:.1f} | {figures[f'{name} p90']:.1f} | {figures[f'{name} p99']:.1f} "
                f"| {figures[f'{name} max']:.0f} | {figures[f'{name} count']:,.0f}{lost} | {wanted} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--broker", default=os.environ.get("EGIZ_KAFKA_BROKERS") or "tansu")
    parser.add_argument("--only", choices=["steady", "busy"])
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--linger", type=int, help="milliseconds that the producer gathers a batch")
    parser.add_argument("--record", action="store_true")
    chosen = parser.parse_args()
    linger = LINGER.get(chosen.broker, 0) if chosen.linger is None else chosen.linger
    if not os.path.exists(EGIZ):
        raise SystemExit(f"bench: {EGIZ} is missing; `make build` makes it")
    folder = tempfile.mkdtemp(prefix="egiz-latency.")
    os.chmod(folder, 0o755)
    database = None
    runs = []
    try:
        program = compile_c("latency/latency.c", folder, "rdkafka", "pq", "pthread")
        database = Postgres(folder)
        if chosen.only != "busy":
            say("bench: 5,000 events/s, commit.interval 10ms")
            runs.append(("5,000/s, `commit.interval: 10ms`", "steady", measure(
                program, chosen.broker, database, 5000, chosen.seconds, "10ms", folder, sees_all=False,
                partitions=chosen.partitions, linger=linger)))
        if chosen.only != "steady":
            say("bench: 20,000 events/s, the default interval")
            runs.append(("20,000/s, default interval", "busy", measure(
                program, chosen.broker, database, 20_000, chosen.seconds, None, folder, sees_all=True,
                partitions=chosen.partitions, linger=linger)))
        library = brokers.library_version(brokers.wheel_library(folder) if chosen.broker == "tansu" else None)
        where = report.machine(runs[0][2]["name"], library, database.version())
    finally:
        if database:
            database.end()
        shutil.rmtree(folder, ignore_errors=True)
    name = chosen.broker if chosen.broker in ("tansu", "embedded") else "kafka"
    text = table(runs)
    print(f"{where}\n\n{text}\n")
    for load, _, figures in runs:
        print(f"{load}: linger {figures['linger']} ms, the sender was late by {figures['sent late']:.1f} ms at most, the worker used {figures['cpu']:.2f} cores")
    if chosen.record:
        notes = "\n".join(f"- {load}: the producer's linger was {figures['linger']} ms, it was late by {figures['sent late']:.1f} ms at most; the worker used "
                          f"{figures['cpu']:.2f} cores" for load, _, figures in runs)
        report.record(f"latency-{name}", f"How long until it can be seen, on {name}",
                      f"`make bench-latency SECONDS={chosen.seconds} BROKER={name}`. {where}\n\n"
                      f"{text}\n\n{notes}\n", [[load, figures] for load, _, figures in runs])


if __name__ == "__main__":
    ended_by_signal()
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
