#!/usr/bin/env python3
"""Measures the worker's memory (goal 4): the peak while it catches up on very many twins, and whether it is flat at a steady rate.

    make bench-memory                           1,000,000 twins; then 3 minutes at 5,000 events/s
    make bench-memory MINUTES=60 RATE=20000     an hour

Flat: the line through the last two thirds of the steady run, in MiB an hour. A short run says little: allocators and caches
fill for minutes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace

from harness import broker as brokers
from harness import report
from harness.compare import TOPIC, Yardsticks, fill
from harness.database import Postgres
from harness.scenario import BASE
from harness.tools import EGIZ, Child, ended_by_signal, environment, say
from harness.worker import CatchUp

MIB = 1 << 20


def catch_up(programs, choice, database, twins, folder):
    scenario = replace(BASE, machines=twins)
    events = 2 * twins
    database.empty()
    broker = brokers.start(choice, folder, {TOPIC: scenario.partitions})
    try:
        fill(programs, broker, scenario, events)
        run = CatchUp(database, broker, scenario, TOPIC, events, folder, limit=600)
        with database.connect() as connection:
            stored = connection.execute("select count(*) from egiz.twin").fetchone()[0]
        if stored != twins:
            raise RuntimeError(f"{stored} twins of {twins} are stored")
        return run, broker.name
    finally:
        broker.end()


def steady(programs, choice, database, rate, minutes, folder):
    """Resident memory once a second, in MiB."""
    database.empty()
    broker = brokers.start(choice, folder, {TOPIC: BASE.partitions})
    path = os.path.join(folder, "steady.yaml")
    with open(path, "w") as file:
        file.write(BASE.topology(TOPIC))
    worker = Child("steady", [EGIZ, "worker", path], folder,
                   environment(broker.library_path, EGIZ_KAFKA_BROKERS=broker.bootstrap, EGIZ_DATABASE_URL=database.url))
    events = int(rate * minutes * 60)
    sizes = []
    failure = []

    def send():
        done = subprocess.run(
            [programs.produce, broker.bootstrap, TOPIC, str(events), str(BASE.machines), str(BASE.paths), BASE.codec,
             BASE.format, str(rate)], env=environment(broker.library_path), capture_output=True, text=True)
        if done.returncode:
            failure.append(done.stderr)

    sender = threading.Thread(target=send)
    try:
        sender.start()
        start = time.monotonic()
        while sender.is_alive():
            if not worker.is_running:
                raise RuntimeError(f"the worker ended:\n{worker.tail()}")
            sizes.append((time.monotonic() - start, worker.memory() / MIB))
            time.sleep(1)
        if failure:
            raise RuntimeError(f"produce failed: {failure[0]}")
        time.sleep(2)
        with database.connect() as connection:
            lag = events - connection.execute("select coalesce(sum(next_offset), 0) from egiz.task_offset").fetchone()[0]
        if lag:
            raise RuntimeError(f"the worker is {lag} events behind:\n{worker.tail()}")
    finally:
        worker.stop()
        sender.join(5)
        broker.end()
    return sizes


def slope(points):
    """MiB an hour, by least squares."""
    n = len(points)
    x = sum(t for t, _ in points) / n
    y = sum(s for _, s in points) / n
    spread = sum((t - x) ** 2 for t, _ in points)
    return sum((t - x) * (s - y) for t, s in points) / spread * 3600 if spread else 0.0


def plot(sizes, path):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "egiz"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3))
    axes.plot([t / 60 for t, _ in sizes], [s for _, s in sizes], color="#d95f30")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("minutes")
    axes.set_ylabel("resident memory, MiB")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--twins", type=int, default=1_000_000)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--only", choices=["catch-up", "steady"])
    parser.add_argument("--broker", default=os.environ.get("EGIZ_KAFKA_BROKERS") or "tansu")
    parser.add_argument("--record", action="store_true")
    chosen = parser.parse_args()
    if not os.path.exists(EGIZ):
        raise SystemExit(f"bench: {EGIZ} is missing; `make build` makes it")
    folder = tempfile.mkdtemp(prefix="egiz-memory.")
    os.chmod(folder, 0o755)
    database = None
    lines, facts, name = [], {}, chosen.broker
    try:
        programs = Yardsticks(folder)
        database = Postgres(folder)
        if chosen.only != "steady":
            say(f"bench: {chosen.twins:,} twins, catching up")
            run, name = catch_up(programs, chosen.broker, database, chosen.twins, folder)
            facts["catch_up"] = {"twins": chosen.twins, "peak_mib": run.memory / MIB, "rate": run.rate}
            lines.append(f"| {chosen.twins:,} twins, {2 * chosen.twins:,} events, catching up at {run.rate:,.0f} events/s: peak "
                         f"| {run.memory / MIB:,.0f} MiB ({run.memory / 1e9:.2f} GB) | 1.5 GB |")
        if chosen.only != "catch-up":
            say(f"bench: {chosen.minutes:g} minutes at {chosen.rate:,} events/s")
            sizes = steady(programs, chosen.broker, database, chosen.rate, chosen.minutes, folder)
            late = [point for point in sizes if point[0] > sizes[-1][0] / 3]
            facts["steady"] = {"rate": chosen.rate, "minutes": chosen.minutes, "slope_mib_h": slope(late), "sizes": sizes[::10]}
            lines.append(f"| {chosen.minutes:g} minutes at {chosen.rate:,} events/s: in the end, the slope of the last two thirds "
                         f"| {sizes[-1][1]:,.0f} MiB, {slope(late):+,.1f} MiB an hour | flat over an hour |")
        library = brokers.library_version(brokers.wheel_library(folder) if chosen.broker == "tansu" else None)
        where = report.machine(name, library, database.version())
    finally:
        if database:
            database.end()
        shutil.rmtree(folder, ignore_errors=True)
    text = "| what | resident memory | goal |\n|---|---|---|\n" + "\n".join(lines)
    print(f"{where}\n\n{text}")
    if chosen.record:
        picture = ""
        if "steady" in facts:
            plot(sizes, os.path.join(report.HERE, "memory.svg"))
            picture = "\n\n![resident memory at a steady rate](memory.svg)"
        report.record("memory", "Memory of the worker",
                      f"`make bench-memory MINUTES={chosen.minutes:g} RATE={chosen.rate}`. {where}\n\n{text}{picture}\n", facts)


if __name__ == "__main__":
    ended_by_signal()
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
