"""What a run prints at its end."""

import statistics
from collections import Counter

from chaos.projections.outcome import Outcome


def print_deeds(options, world, load, faults, takeovers, events, seconds):
    print()
    print(f"chaos: seed {options.seed}, {seconds / 60:.1f} minutes, {options.workers} workers, "
          f"{'embedded' if world.is_embedded else 'real'} Kafka with {sum(world.topics.values())} partitions, "
          f"{'private' if world.postgres.is_private else 'named'} Postgres"
          + (f", SABOTAGE {options.sabotage}" if options.sabotage else ""))
    counts = Counter(faults.done)
    print(f"faults: {len(faults.done)}")
    for kind in faults.kinds:
        print(f"  {kind:<18} {counts[kind]}")
    for kind, why in faults.skipped.items():
        print(f"  {kind:<18} skipped: {why}")
    for error in faults.errors:
        print(f"  not done: {error}")
    print(f"takeovers: {takeovers.count} tasks")
    for seconds_of, words in (
            (takeovers.undisturbed, "nothing else wrong"), (takeovers.disturbed, "other faults at the same time")):
        if seconds_of:
            print(f"takeover after SIGKILL, {words}: {len(seconds_of)} tasks, committed by another worker after "
                  f"{statistics.median(seconds_of):.1f} s (median), {max(seconds_of):.1f} s (max)")
    print(f"  the session timeout is {options.session_timeout:g} s")
    print(f"events: {events} ({events / seconds:.0f} a second); load paused for {load.paused_seconds:.1f} s, "
          f"largest lag of a task {load.worst_lag_bytes / 2**20:.1f} MiB")


def shortcomings(options, world, faults, takeovers, events, seconds):
    """Why the run proves too little, whatever the comparison says."""
    found = [f"a worker ended by itself: {death}" for death in world.deaths]
    least = int(options.rate * seconds * options.least_share)
    if events < least:
        found.append(f"too few events: {events} of at least {least}")
    least = int(6 * options.minutes)
    if len(faults.done) < least:
        found.append(f"too few faults: {len(faults.done)} of at least {least}")
    found += [f"no fault of the kind {kind}" for kind in faults.kinds if kind not in faults.done]
    least = max(1, int(options.minutes))
    if takeovers.count < least:
        found.append(f"too few takeovers: {takeovers.count} of at least {least}")
    if takeovers.missing:
        found.append(f"tasks that nobody took over within 90 s: {sorted(takeovers.missing)[:5]}")
    return found


def empty(outcomes, counters):
    """A line in which nothing was compared proves nothing, and neither does a processor that never refused."""
    found = [f"nothing to compare: {name}" for name, outcome in outcomes.items() if outcome.checked == 0]
    if not counters.get("refused"):
        found.append("no record that a processor had to refuse")
    return found


def print_outcomes(outcomes):
    """A line for each projection and one for all; True if nothing was lost or doubled."""
    total = Outcome()
    for name, outcome in outcomes.items():
        for example in outcome.examples[:5]:
            print(f"  {example[:400]}")
    for name, outcome in outcomes.items():
        total.add(outcome)
        print(f"{name}: {outcome.lost} lost, {outcome.doubled} doubled (of {outcome.checked})")
    print(f"all: {total.lost} lost, {total.doubled} doubled")
    return total.lost == 0 and total.doubled == 0 and total.checked > 0
