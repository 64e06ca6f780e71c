#!/usr/bin/env python3
"""Measures how fast the compactor works: samples a second of `egiz history compact --once`, and bytes a sample before and after.

    make bench-compaction               both forms, 4,000,000 samples each, three rounds

Two forms, as epochs of a second write them: segments (few machines at 10 Hz: 10 samples of one series in each) and blocks (many
machines with a sample a second: 256 series in each). SQL writes them; the compactor is the real one, at full speed, in a process of
its own, with fsync on. Each round begins with an empty schema and a checkpoint. Afterwards every sample must be there, compacted, and
its sum be what it was: a run that did not do the work fails.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from statistics import median

from harness import report
from harness.database import Postgres
from harness.tools import EGIZ, ended_by_signal, environment, say

START = "2026-01-14T00:00:00Z"
WEEK = 604_800

SERIES = """
insert into egiz.series (series_id, thing_id, path) overriding system value
select i, 'bench:' || i, '/features/f/properties/v' from generate_series(256, 255 + {series}) i
"""

PARTITION = """
do $$
declare
    start timestamptz := to_timestamp(floor(extract(epoch from timestamptz '{start}') / {week}) * {week});
    name text := 'history_segment_' || to_char(start at time zone 'UTC', 'YYYYMMDD');
begin
    execute format('create table egiz.%I (like egiz.history_segment including all)', name);
    execute format('alter table egiz.history_segment attach partition egiz.%I for values from (%L) to (%L)', name, start,
        start + interval '{week} seconds');
end $$
"""

FORMS = {
    # A temperature with two decimals, ten times a second.
    "segments": """
        insert into egiz.history_segment (series_id, t_first, t_last, seq, n, kind, times, numbers)
        select series_id, start, start + interval '0.9 s', second, 10, 1,
            array(select start + i * interval '0.1 s' from generate_series(0, 9) i),
            array(select round((20 + 3 * sin(second / 40.0 + series_id) + random() * 0.2)::numeric, 2)::float8
                from generate_series(1, 10))
        from generate_series(1, {seconds}) second
        cross join lateral (select timestamptz '{start}' + second * interval '1 s' - interval '1 s' as start) moment
        cross join egiz.series
    """,
    # The same of many machines, each at its own millisecond of the second.
    "blocks": """
        insert into egiz.history_block (series_group, t_first, t_last, seq, part, kind, n, unit, members, lags, numbers)
        select series_group, start, start + interval '255 ms', second, 0, 1, 256, 1000,
            array(select i::int2 from generate_series(0, 255) i), array(select i from generate_series(0, 255) i),
            array(select round((20 + 3 * sin(second / 40.0 + series_group + i) + random() * 0.2)::numeric, 2)::float8
                from generate_series(0, 255) i)
        from generate_series(1, {seconds}) second
        cross join lateral (select timestamptz '{start}' + second * interval '1 s' - interval '1 s' as start) moment
        cross join generate_series(1, {series} / 256) series_group
    """,
}


def shape(form, samples):
    """Series and seconds that make about so many samples: an hour of many series, or as much as comes to a few blocks a second."""
    seconds = 3600
    if form == "segments":
        return max(1, samples // (10 * seconds)), seconds
    return max(1, round(samples / seconds / 256)) * 256, seconds


def size(connection, table):
    return connection.execute(
        "select coalesce(sum(pg_total_relation_size(relid)), 0)::int8 from pg_partition_tree(%s)", (f"egiz.{table}",)).fetchone()[0]


def total(connection, table):
    """Rows and samples."""
    return connection.execute(f"select count(*), coalesce(sum(n), 0)::int8 from egiz.{table}").fetchone()


def checksum(connection):
    return connection.execute("select count(*), sum(round(number * 100))::int8 from egiz.history").fetchone()


def run_once(database, form, samples):
    database.empty()
    env = environment(EGIZ_DATABASE_URL=database.url, EGIZ_LOG_LEVEL="warning")
    subprocess.run([EGIZ, "db", "migrate"], env=env, check=True, capture_output=True)
    series, seconds = shape(form, samples)
    table = "history_segment" if form == "segments" else "history_block"
    words = {"start": START, "series": series, "seconds": seconds, "week": WEEK}
    with database.connect() as connection:
        for statement in (SERIES, PARTITION, FORMS[form]):
            connection.execute(statement.format(**words))
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
        rows, written = total(connection, table)
        before, sums = size(connection, table), checksum(connection)
        usage, start = os.times(), time.monotonic()
        subprocess.run(
            [EGIZ, "history", "compact", "--once", "--up-to", "2026-01-15T00:00:00Z"], env=env, check=True, capture_output=True)
        took = time.monotonic() - start
        after = os.times()
        left, packed = total(connection, table), total(connection, "history_packed")
        if left[0] or packed[1] != written or checksum(connection) != sums:
            raise RuntimeError(f"{form}: {written} samples became {packed[1]}, {left[0]} rows are left")
        return {
            "rows": rows, "samples": written, "seconds": took, "segments": packed[0],
            "cpu": after.children_user + after.children_system - usage.children_user - usage.children_system,
            "before": before / written, "after": size(connection, "history_packed") / written,
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--form", choices=sorted(FORMS), help="one of them")
    parser.add_argument("--record", action="store_true")
    chosen = parser.parse_args()
    if not os.path.exists(EGIZ):
        raise SystemExit(f"bench: {EGIZ} is missing; `make build` makes it")
    folder = tempfile.mkdtemp(prefix="egiz-compaction.")
    os.chmod(folder, 0o755)
    database = None
    results = {}
    try:
        database = Postgres(folder)
        for form in [chosen.form] if chosen.form else FORMS:
            for number in range(chosen.rounds):
                results.setdefault(form, []).append(run_once(database, form, chosen.samples))
                one = results[form][-1]
                say(f"bench: {form}, round {number + 1}: {one['samples']:,} samples in {one['seconds']:.1f} s")
        where = report.machine("no broker", "unused", database.version())
    finally:
        if database:
            database.end()
        shutil.rmtree(folder, ignore_errors=True)
    lines = ["| form | rows | samples | samples/s, median (range) | rows/s | CPU µs a sample, compactor | bytes a sample before | after |",
             "|---|---|---|---|---|---|---|---|"]
    for form, rounds in results.items():
        rates = [one["samples"] / one["seconds"] for one in rounds]
        first = rounds[0]
        lines.append(
            f"| {form} | {first['rows']:,} | {first['samples']:,} | {median(rates):,.0f} ({min(rates):,.0f} to {max(rates):,.0f}) "
            f"| {median(one['rows'] / one['seconds'] for one in rounds):,.0f} "
            f"| {median(one['cpu'] / one['samples'] * 1e6 for one in rounds):.2f} | {first['before']:.1f} | {first['after']:.1f} |")
    text = "\n".join(lines)
    print(f"{where}\n\n{text}")
    if chosen.record:
        report.record("compaction", "The compactor", f"`make bench-compaction`. {where}\n\n{text}\n", results)


if __name__ == "__main__":
    ended_by_signal()
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
