"""The load: the simulated machines and the mischief, slowed down before the embedded broker forgets what is unread."""

import multiprocessing
import signal
import threading
import time

from chaos.harness import mischief
from chaos.harness.program import Program

# The embedded broker keeps 5 MiB a partition, compressed as they came; producers pause when a task is half of that behind. What is
# recorded is not compressed: batches of machines' events shrink to a fifth and less, and where they did not, log gaps would show.
WINDOW = 3 * (5 << 20)
LINGER = 500


class Load:
    def __init__(self, world, recorder, options):
        self._world, self._recorder = world, recorder
        odd = min(500, max(50, options.rate // 20))
        context = multiprocessing.get_context("spawn")
        self._pause, self._stop = context.Event(), context.Event()
        # Seconds of the schedule that the machines have worked off, as the recorded log shows it.
        self._progress = context.Value("d", 0.0, lock=False)
        self._rate = options.rate
        self._is_over = threading.Event()
        self.paused_seconds = 0.0
        self.worst_lag_bytes = 0
        self._machines = Program("simulator", [
            world.binary("zonesun-simulator"), "--brokers", world.brokers, "--format", "both",
            "--machines", str(options.machines), "--rate", str(options.rate - odd), "--seed", str(options.seed),
            "--topic-ditto", world.ditto_topic, "--topic-telemetry", world.telemetry_topic, "--quiet",
            # The embedded broker looks for a record by walking all batches of its partition, at each fetch (perf: 74% of its thread
            # after a minute with batches of 100 ms, until heartbeats wait for seconds): few large batches keep it alive.
            "--property", "compression.codec=zstd", "--property", f"linger.ms={LINGER}"], world.folder)
        self._odd = context.Process(
            target=mischief.run, daemon=True,
            args=(world.brokers, world.ditto_topic, world.telemetry_topic, odd, options.seed, LINGER, self._pause, self._stop,
                  self._progress))
        self._odd.start()
        self._governor = threading.Thread(target=self._govern, daemon=True)
        self._governor.start()

    def is_sound(self):
        return self._machines.is_running and self._odd.is_alive()

    def stop(self):
        """Flushes and ends; True if every record was delivered."""
        self._is_over.set()
        self._governor.join()
        if self._odd.is_alive():
            self._stop.set()
        self._machines.send(signal.SIGCONT)
        status = self._machines.stop(90)
        self._odd.join(90)
        return status == 0 and self._odd.exitcode == 0

    def end(self):
        """Nothing is left behind, also where the run failed while the machines were stopped."""
        # Not `_stop`: setting an event of multiprocessing waits for ever where the process that waits for it was killed.
        self._is_over.set()
        self._machines.kill()
        self._odd.kill()

    def _govern(self):
        connection, first = None, self._recorder.total(self._world.topics)
        while not self._is_over.is_set():
            self._progress.value = (self._recorder.total(self._world.topics) - first) / self._rate
            if not self._world.is_embedded:
                self._is_over.wait(0.1)
                continue
            try:
                connection = connection or self._world.postgres.connect()
                read = {(topic, partition): offset for topic, partition, offset in connection.execute(
                    "select topic, partition, next_offset from egiz.task_offset").fetchall()}
            except Exception:  # the database is away, which is the point; the lag then counts from the last answer
                connection, read = None, getattr(self, "_last", {})
            self._last = read
            behind = 0
            for place, (position, size) in self._recorder.positions().items():
                # Of what the engine emits nobody but the recorder is a reader.
                if position and place[0] in self._world.topics:
                    behind = max(behind, (position - read.get(place, 0)) * size // position)
            self.worst_lag_bytes = max(self.worst_lag_bytes, behind)
            if behind > WINDOW // 2 and not self._pause.is_set():
                self._since = time.monotonic()
                self._pause.set()
                self._machines.send(signal.SIGSTOP)
            elif behind < WINDOW // 4 and self._pause.is_set():
                self._pause.clear()
                self._machines.send(signal.SIGCONT)
                self.paused_seconds += time.monotonic() - self._since
            time.sleep(0.1)
