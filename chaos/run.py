"""The chaos harness: `make chaos`. See docs/chaos.md."""

import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# The processes that are spawned import the same packages.
os.environ["PYTHONPATH"] = sys.path[0]

from confluent_kafka import Consumer, TopicPartition  # noqa: E402

from chaos.harness import report  # noqa: E402
from chaos.harness.faults import Faults  # noqa: E402
from chaos.harness.load import Load  # noqa: E402
from chaos.harness.options import Options  # noqa: E402
from chaos.harness.recorder import Recorder  # noqa: E402
from chaos.harness.takeovers import Takeovers  # noqa: E402
from chaos.harness.world import World  # noqa: E402
from chaos.projections.compare import compare_all  # noqa: E402
from chaos.projections.outcome import Outcome  # noqa: E402
from chaos.projections.projection import Task  # noqa: E402


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = Options()
    folder = options.folder or tempfile.mkdtemp(prefix="egiz-chaos-")
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)  # the database runs as another user where we are root
    print(f"chaos: seed {options.seed}, {options.minutes:g} minutes, {options.rate} events/s, logs in {folder}", flush=True)
    world = recorder = None
    is_good = False
    try:
        world = World(options, folder)
        recorder = Recorder(world.brokers, {**world.topics, **world.output_topics}, folder)
        is_good = run(options, world, recorder)
    finally:
        if world:
            world.end()
        if is_good and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"chaos: logs of the programs and the recorded log are kept in {folder}", flush=True)
    sys.exit(0 if is_good else 1)


def run(options, world, recorder):
    takeovers = Takeovers(world.postgres, recorder, world.stages())
    faults = Faults(world, takeovers, options)
    load = Load(world, recorder, options)
    try:
        return hurt_and_compare(options, world, recorder, load, faults, takeovers)
    finally:
        load.end()


def hurt_and_compare(options, world, recorder, load, faults, takeovers):
    await_first_commits(world)
    began, first = time.monotonic(), recorder.total(world.topics)
    faults.run(began + options.minutes * 60)
    while time.monotonic() < began + options.minutes * 60:
        time.sleep(0.2)
    problems = [] if load.is_sound() else ["a producer ended before its time"]
    takeovers.finish()
    seconds, events = time.monotonic() - began, recorder.total(world.topics) - first
    if not load.stop():
        problems.append("a producer could not deliver all its records")
    world.note_deaths()
    problems += drain(world, recorder)
    world.note_deaths()
    for worker in world.workers:
        worker.is_meant = True
        status = worker.stop()
        if status != 0:
            problems.append(f"{worker.name} ended with {status}\n{worker.tail()}")
    if not recorder.stop():
        problems.append("the recorder failed; the fold would be incomplete")
    problems += report.shortcomings(options, world, faults, takeovers, events, seconds)
    tasks = [Task(*stage[:3], stage[3], recorder.path(*stage[1:3])) for stage in world.stages()]
    print(f"chaos: folding {events} events and comparing", flush=True)
    compared = time.monotonic()
    outcomes, counters = compare_all(world.postgres.url, tasks)
    gaps = world.postgres.rows("select stage, partition, topic, from_offset, to_offset, reason from egiz.log_gap")
    outcomes["log gaps"] = Outcome(len(tasks))
    for gap in gaps:
        outcomes["log gaps"].lose(max(1, gap[4] - gap[3]), f"log gap {gap}")
    problems += report.empty(outcomes, counters)
    report.print_deeds(options, world, load, faults, takeovers, events, seconds)
    print(f"fold: {', '.join(f'{count} {name}' for name, count in counters.items() if count)}; "
          f"compared in {time.monotonic() - compared:.0f} s")
    for problem in problems:
        print(f"NOT ENOUGH: {problem}")
    is_equal = report.print_outcomes(outcomes)
    return is_equal and not problems


def await_first_commits(world):
    """The clock starts when the workers work."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if world.postgres.rows("select count(*) from egiz.task where epoch > 0")[0][0] >= len(list(world.stages())) // 2:
            return
        world.note_deaths()
        time.sleep(0.2)
    raise SystemExit(f"chaos: the workers did not begin\n{world.workers[0].tail()}")


def drain(world, recorder):
    """Waits until everything in the log is recorded and committed; what went wrong."""
    ends = log_ends(world)
    deadline = time.monotonic() + 180
    while True:
        recorded = {place: position for place, (position, _) in recorder.positions().items()}
        read = {(topic, partition): offset for topic, partition, offset in world.postgres.rows(
            "select topic, partition, next_offset from egiz.task_offset")}
        behind = {place: end for place, end in ends.items() if recorded[place] < end or read.get(place, 0) < end}
        if not behind:
            return []
        if not recorder.is_running:
            return ["the recorder ended before its time"]
        if time.monotonic() > deadline:
            place, end = next(iter(behind.items()))
            return [f"{len(behind)} tasks did not catch up, such as {place}: the log ends at {end}, "
                    f"recorded {recorded[place]}, committed {read.get(place, 0)}\n{world.workers[0].tail()}"]
        world.note_deaths()
        time.sleep(0.2)


def log_ends(world):
    consumer = Consumer({"bootstrap.servers": world.brokers, "group.id": "chaos-ends"})
    try:
        return {
            (topic, partition): consumer.get_watermark_offsets(TopicPartition(topic, partition), 30)[1]
            for topic, count in world.topics.items() for partition in range(count)}
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
