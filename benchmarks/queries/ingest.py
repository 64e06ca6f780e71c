"""Events at a steady rate through a broker and an `egiz worker` into the database of the queries, until it is told to stop; see run.sh.

Prints `ingesting` once the worker commits and keeps up. At SIGTERM it prints what the worker committed meanwhile, and how far it was
behind at the worst, and fails where the rate was not reached: then what was measured beside it counts for nothing.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import psycopg  # noqa: E402

from harness import broker as brokers  # noqa: E402
from harness.scenario import BASE  # noqa: E402
from harness.tools import EGIZ, Child, compile_c, environment, say  # noqa: E402

TOPIC = "bench.ingest"
#: How far the worker may be behind on the average, in seconds of the rate: more is no steady ingest.
BEHIND = 2.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, required=True, help="events a second")
    parser.add_argument("--database", default=os.environ.get("EGIZ_DATABASE_URL"))
    parser.add_argument("--broker", default=os.environ.get("EGIZ_KAFKA_BROKERS") or "tansu")
    chosen = parser.parse_args()
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    folder = tempfile.mkdtemp(prefix="egiz-ingest.")
    children = []
    broker = None
    try:
        produce = compile_c("yardstick/produce.c", folder, "rdkafka")
        broker = brokers.start(chosen.broker, folder, {TOPIC: BASE.partitions})
        path = os.path.join(folder, "ingest.yaml")
        with open(path, "w") as file:
            # A topology of its own: the queries' database has a stage "bench.events".
            file.write(BASE.topology(TOPIC).replace("name: bench }", "name: ingest }"))
        worker = Child("ingest", [EGIZ, "worker", path], folder,
                       environment(broker.library_path, EGIZ_KAFKA_BROKERS=broker.bootstrap, EGIZ_DATABASE_URL=chosen.database))
        children.append(worker)
        sender = Child("produce", [produce, broker.bootstrap, TOPIC, str(chosen.rate * 3600), str(BASE.machines), str(BASE.paths),
                                   BASE.codec, BASE.format, str(chosen.rate)], folder, environment(broker.library_path))
        children.append(sender)
        sent_from = time.monotonic()
        with psycopg.connect(chosen.database, autocommit=True) as connection:
            watch(connection, chosen.rate, worker, sender, sent_from, told)
    finally:
        for child in reversed(children):
            child.stop()
        if broker:
            broker.end()
        shutil.rmtree(folder, ignore_errors=True)


def watch(connection, rate, worker, sender, sent_from, told):
    def committed():
        return int(connection.execute("select coalesce(sum(next_offset), 0) from egiz.task_offset where stage = 'ingest.events'").fetchone()[0])

    begin = first = None
    behind = []
    while not told.wait(0.25):
        for child in (worker, sender):
            if not child.is_running:
                raise RuntimeError(f"a program ended:\n{child.tail()}")
        done, now = committed(), time.monotonic()
        lag = (now - sent_from) * rate - done
        if begin is None:
            if done and lag < BEHIND * rate:
                begin, first = now, done
                print("ingesting", flush=True)
            elif now - sent_from > 120:
                raise RuntimeError(f"{done} events after 120 s, {lag:,.0f} behind:\n{worker.tail()}")
        else:
            behind.append(lag / rate)
    if begin is None:
        raise RuntimeError("stopped before the worker kept up")
    seconds = time.monotonic() - begin
    reached = (committed() - first) / seconds
    mean = sum(behind) / len(behind) if behind else 0.0
    say(f"ingest: {reached:,.0f} events/s committed over {seconds:.0f} s, behind by {mean:.2f} s on the average, {max(behind, default=0):.2f} s at most")
    if reached < 0.97 * rate or mean > BEHIND:
        raise RuntimeError(f"{rate:,} events a second were not kept up with")


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"ingest: {error}")
