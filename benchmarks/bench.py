#!/usr/bin/env python3
"""Measures events a second from the log to committed twins and history, beside the yardsticks.

    make bench                                   goal 1: median of five rounds in alternation
    make bench SCENARIO=64-partitions ROUNDS=3
    make bench-matrix                            every case that goal 1 names
    EGIZ_KAFKA_BROKERS=k1:9092 make bench        on your Kafka instead of the Tansu broker
    make bench RECORD=1                          also into benchmarks/RESULTS.md

See benchmarks/README.md.
"""

import argparse
import os
import shutil
import sys
import tempfile
from statistics import median

from harness import broker as brokers
from harness import report
from harness.compare import Yardsticks, compare
from harness.database import Postgres
from harness.scenario import ALL, MATRIX
from harness.tools import EGIZ, ended_by_signal, say


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", help=f"of {', '.join(ALL)}; the first where left out")
    parser.add_argument("--matrix", action="store_true", help="every case that goal 1 names")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--broker", default=os.environ.get("EGIZ_KAFKA_BROKERS") or "tansu",
                        help="tansu, embedded, or bootstrap servers")
    parser.add_argument("--python", action="store_true", help="also a careful hand-written Python consumer")
    parser.add_argument("--record", metavar="SECTION", help="put the table and a plot into RESULTS.md as this section")
    parser.add_argument("--profile", metavar="NAME",
                        help="one more run of the engine under perf, of each scenario, into profiles/NAME[-SCENARIO].txt")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.scenario if name not in ALL]
    if unknown:
        parser.error(f"no scenario {unknown[0]}; there are {', '.join(ALL)}")
    return chosen


def main():
    chosen = options()
    if not os.path.exists(EGIZ):
        raise SystemExit(f"bench: {EGIZ} is missing; `make build` makes it")
    scenarios = MATRIX if chosen.matrix else [ALL[name] for name in chosen.scenario or ["history+twins"]]
    folder = tempfile.mkdtemp(prefix="egiz-bench.")
    os.chmod(folder, 0o755)
    database = None
    outcomes = []
    try:
        programs = Yardsticks(folder)
        database = Postgres(folder)
        for scenario in scenarios:
            profile = chosen.profile and (
                chosen.profile if len(scenarios) == 1 else f"{chosen.profile}-{scenario.name.replace(' ', '-')}")
            outcomes.append(compare(
                programs, chosen.broker, database, scenario, chosen.events, chosen.rounds, folder, chosen.python, profile))
        library = brokers.library_version(brokers.wheel_library(folder) if chosen.broker == "tansu" else None)
        where = report.machine(outcomes[0].broker, library, database.version())
    finally:
        if database:
            database.end()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{chosen.events:,} events, {chosen.rounds} rounds in alternation, median of each\n{where}\n")
    print(report.table(outcomes), "\n")
    if chosen.record:
        keep(chosen, outcomes, where)
    for one in outcomes:
        print(f"ratio {one.scenario.name}: {one.ratio:.2f}")
        if one.python:
            print(f"ratio to Python: {median(one.engine) / median(one.python):.2f}")


def keep(chosen, outcomes, where):
    picture = f"{chosen.record}.svg"
    heading = "Every case of goal 1" if chosen.matrix else "From the log to committed twins and history"
    report.plot(outcomes, os.path.join(report.HERE, picture), heading)
    command = "make bench-matrix" if chosen.matrix else "make bench"
    if chosen.scenario:
        command += f" SCENARIO=\"{' '.join(chosen.scenario)}\""
    command += f" EVENTS={chosen.events} ROUNDS={chosen.rounds}" + (" PYTHON=1" if chosen.python else "")
    cases = "\n".join(f"- {one.scenario.name}: {one.scenario.describe()}" for one in outcomes)
    report.record(
        chosen.record, heading,
        f"`{command}`: {chosen.events:,} events, {chosen.rounds} rounds in alternation, median of each. {where}\n\n"
        f"{report.table(outcomes)}\n\n![{heading}]({picture})\n\n{cases}\n",
        [one.facts() for one in outcomes])
    say(f"bench: written to benchmarks/RESULTS.md, section {chosen.record}")


if __name__ == "__main__":
    ended_by_signal()
    try:
        main()
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
