"""One `egiz worker` that catches up, and how long it took by the database's clock."""

import os
import time

from harness.profile import Profile
from harness.tools import EGIZ, Child, environment


class CatchUp:
    """From the takeover of the last task until the last offset is visible to another connection."""

    def __init__(self, database, broker, scenario, topic, events, folder, limit=180, profile=None):
        topology = os.path.join(folder, "bench.yaml")
        with open(topology, "w") as file:
            file.write(scenario.topology(topic))
        child = Child(
            "worker", [EGIZ, "worker", topology], folder,
            environment(broker.library_path, EGIZ_KAFKA_BROKERS=broker.bootstrap, EGIZ_DATABASE_URL=database.url))
        samples = None

        def committing():
            nonlocal samples
            if profile and not samples:
                samples = Profile(child.pid, folder)

        try:
            with database.connect() as connection:
                self.seconds = self._wait(connection, child, events, limit, committing)
                self.cpu = child.cpu_seconds
                self.memory = child.memory("VmHWM")
                self.letters = connection.execute("select count(*) from egiz.dead_letter").fetchone()[0]
        finally:
            if samples:
                samples.stop()
            child.stop()
        self.rate = events / self.seconds
        if samples:
            samples.write(profile, f"{scenario.describe()}: {events:,} events, {self.rate:,.0f} events/s while perf looked on")

    @staticmethod
    def _wait(connection, child, events, limit, committing):
        deadline = time.monotonic() + limit
        seen = 0
        while True:
            # Seldom until most is done, so that looking costs nothing; then every 5 ms, which is the error of the measurement.
            time.sleep(0.005 if seen > 0.7 * events else 0.05)
            if not child.is_running:
                raise RuntimeError(f"the worker ended:\n{child.tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{seen} of {events} events after {limit} s:\n{child.tail()}")
            if seen == 0 and connection.execute("select to_regclass('egiz.task_offset')").fetchone()[0] is None:
                continue
            now, seen = connection.execute(
                "select extract(epoch from clock_timestamp()), coalesce(sum(next_offset), 0) from egiz.task_offset").fetchone()
            if seen > 0:
                committing()
            if seen >= events:
                start = connection.execute("select extract(epoch from max(acquired_at)) from egiz.task").fetchone()[0]
                return float(now - start)


def check(database, scenario, events):
    """That what was measured was done: every twin, every sample. Also bytes a sample before compaction."""
    with database.connect() as connection:
        twins = connection.execute("select count(*) from egiz.twin").fetchone()[0]
        samples = connection.execute("select count(*) from egiz.history").fetchone()[0]
        size = connection.execute(
            "select coalesce(sum(pg_total_relation_size(relid)), 0) from pg_class c, lateral (select c.oid as relid) r "
            "where c.relnamespace = 'egiz'::regnamespace and c.relkind in ('r', 'm') and c.relname like 'history%'").fetchone()[0]
    wanted = (min(scenario.machines, events), scenario.samples(events))
    if (twins, samples) != wanted:
        raise RuntimeError(f"twins and samples: found {(twins, samples)}, expected {wanted}")
    return float(size) / samples if samples else 0.0
