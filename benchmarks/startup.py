#!/usr/bin/env python3
"""Measures the start of a worker (goal 7): from exec to its first visible commit, and how large the program is.

    make bench-startup                  1,000 stored topology versions, one active; 1,000,000 series known; five rounds

The series are made by the engine itself: 200,000 things of five paths. Before each round the worker was stopped with SIGTERM
and 1,000 more records of known things were sent. `egiz worker` is started without files: it runs what is deployed.

A broker holds the first member of an empty group back, so that others may join as well (Apache Kafka 3 s by
`group.initial.rebalance.delay.ms`, Tansu 5 s, librdkafka's mock 3 s). A plain consumer is measured beside it: what that one waits
for its assignment is the broker's part, and the rest is ours.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from statistics import median

from harness import broker as brokers
from harness import report
from harness.compare import TOPIC, Yardsticks, fill
from harness.database import Postgres
from harness.scenario import BASE
from harness.tools import EGIZ, Child, ended_by_signal, environment, say
from harness.worker import CatchUp

MORE = 1000


def store_versions(database, count):
    """The deployed version becomes number `count`; those before it hold its text with a comment of their own."""
    with database.connect() as connection:
        newest, text = connection.execute(
            "select version, text from egiz.topology where name = 'bench' order by version desc limit 1").fetchone()
        with connection.transaction():
            for version in range(newest + 1, count + 1):
                connection.execute(
                    "insert into egiz.topology (name, version, text, active, origin) values ('bench', %s, %s, false, 'bench')",
                    (version, f"# version {version}\n{text}"))
            connection.execute("update egiz.topology set active = (version = %s) where name = 'bench'", (count,))
            connection.execute("update egiz.deployment set wanted_version = %s, running_version = %s where topology = 'bench'",
                               (count, count))
        return connection.execute("select count(*), count(*) filter (where active) from egiz.topology").fetchone()


def start_once(programs, broker, database, scenario, sent, folder):
    """Seconds from exec until the first of the new records is committed."""
    env = environment(broker.library_path)
    subprocess.run(
        [programs.produce, broker.bootstrap, TOPIC, str(MORE), str(scenario.machines), str(scenario.paths), scenario.codec,
         scenario.format, "0", str(sent)], env=env, check=True, capture_output=True)
    with database.connect() as connection:
        before = connection.execute("select sum(next_offset) from egiz.task_offset").fetchone()[0]
        worker = Child("start", [EGIZ, "worker"], folder,
                       {**env, "EGIZ_KAFKA_BROKERS": broker.bootstrap, "EGIZ_DATABASE_URL": database.url})
        try:
            while True:
                now = connection.execute("select sum(next_offset) from egiz.task_offset").fetchone()[0]
                if now > before:
                    seconds = time.monotonic() - worker.started
                    break
                if not worker.is_running or time.monotonic() > worker.started + 60:
                    raise RuntimeError(f"no commit within 60 s:\n{worker.tail()}")
                time.sleep(0.005)
            deadline = time.monotonic() + 30
            while now < before + MORE and time.monotonic() < deadline:
                now = connection.execute("select sum(next_offset) from egiz.task_offset").fetchone()[0]
                time.sleep(0.01)
            letters = connection.execute("select count(*) from egiz.dead_letter").fetchone()[0]
            if now != before + MORE or letters:
                raise RuntimeError(f"{now - before} of {MORE} records were processed, {letters} are dead letters")
        finally:
            worker.stop()
    return seconds


def join_once(broker, number):
    """Seconds from the start of a plain consumer until it has partitions."""
    from confluent_kafka import Consumer

    assigned = []
    start = time.monotonic()
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": f"join-{number}", "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC], on_assign=lambda _, partitions: assigned.append(time.monotonic()))
    while not assigned and time.monotonic() < start + 60:
        consumer.poll(0.01)
    consumer.close()
    if not assigned:
        raise RuntimeError("a plain consumer was assigned nothing within 60 s")
    return assigned[0] - start


def sizes(folder):
    """Bytes of the program as it is built, and without symbols."""
    bare = os.path.join(folder, "egiz-stripped")
    subprocess.run(["strip", "-o", bare, EGIZ], check=True)
    return os.path.getsize(EGIZ), os.path.getsize(bare)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", type=int, default=1000)
    parser.add_argument("--series", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--partitions", type=int, default=BASE.partitions, help="64 for the embedded broker, which keeps 5 MiB each")
    parser.add_argument("--broker", default=os.environ.get("EGIZ_KAFKA_BROKERS") or "tansu")
    parser.add_argument("--record", action="store_true")
    chosen = parser.parse_args()
    if not os.path.exists(EGIZ):
        raise SystemExit(f"bench: {EGIZ} is missing; `make build` makes it")
    folder = tempfile.mkdtemp(prefix="egiz-startup.")
    os.chmod(folder, 0o755)
    database = broker = None
    try:
        programs = Yardsticks(folder)
        database = Postgres(folder)
        scenario = replace(BASE, machines=chosen.series // BASE.paths, partitions=chosen.partitions)
        events = scenario.machines * (1 + scenario.paths)
        broker = brokers.start(chosen.broker, folder, {TOPIC: scenario.partitions})
        say(f"bench: {events:,} events make {chosen.series:,} series")
        fill(programs, broker, scenario, events)
        CatchUp(database, broker, scenario, TOPIC, events, folder, limit=600)
        versions, active = store_versions(database, chosen.versions)
        with database.connect() as connection:
            series = connection.execute("select count(*) from egiz.series").fetchone()[0]
            connection.execute("vacuum analyze")
        say(f"bench: {versions} versions, {active} active; {series:,} series")
        rounds, joins = [], []
        for number in range(chosen.rounds):
            rounds.append(start_once(programs, broker, database, scenario, events + number * MORE, folder))
            joins.append(join_once(broker, number))
            say(f"bench: round {number + 1}: {rounds[-1]:.2f} s, a plain consumer waits {joins[-1]:.2f} s for its partitions")
        whole, bare = sizes(folder)
        library = brokers.library_version(broker.library_path)
        where = report.machine(broker.name, library, database.version())
    finally:
        if broker:
            broker.end()
        if database:
            database.end()
        shutil.rmtree(folder, ignore_errors=True)
    text = (
        "| what | figure | goal |\n|---|---|---|\n"
        f"| exec of `egiz worker` to the first visible commit, median of {len(rounds)} ({min(rounds):.2f} to {max(rounds):.2f}); "
        f"{versions:,} versions, {series:,} series, {chosen.partitions} partitions | {median(rounds):.2f} s | |\n"
        f"| of that, the time for which the broker holds back the first member of a group: a plain consumer until it has its partitions "
        f"| {median(joins):.2f} s | |\n"
        f"| the worker's own part | {median(rounds) - median(joins):.2f} s | 2 s |\n"
        f"| the program as built | {whole / 1e6:.1f} MB | 80 MB |\n"
        f"| the program stripped | {bare / 1e6:.1f} MB | 80 MB |")
    print(f"{where}\n\n{text}")
    if chosen.record:
        report.record("startup", "Start and size", f"`make bench-startup`. {where}\n\n{text}\n",
                      {"seconds": rounds, "join_seconds": joins, "versions": versions, "series": series, "bytes": whole, "stripped": bare})


if __name__ == "__main__":
    ended_by_signal()
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
