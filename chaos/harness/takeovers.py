"""How long tasks stand still: from the end of their owner until another worker has committed them again, or has read all there is."""

import threading
import time


# A task that stands still for longer makes the run fail.
LONGEST = 90


class Takeovers:
    def __init__(self, postgres, recorder, stages):
        self._topics = {(stage, partition): (topic, partition) for stage, topic, partition, _ in stages}
        self._postgres, self._recorder = postgres, recorder
        self._lock = threading.Lock()
        self._threads = []
        # Seconds for each task of a killed worker, with and without other faults at the same time.
        self.disturbed, self.undisturbed = [], []
        # Tasks that went to another worker after a kill, a freeze or a stop.
        self.count = 0
        self.missing = []

    def owned_by(self, pid):
        """The tasks of a worker with their fence: (stage, partition) -> owner_epoch."""
        rows = self._postgres.rows("select stage, partition, owner_epoch from egiz.task where worker_pid = %s", (pid,))
        return {(stage, partition): fence for stage, partition, fence in rows}

    def watch(self, tasks, pid, since, is_kill, is_quiet=False):
        """Follows tasks that lost their owner at `since` (monotonic); the thread ends when all of them go on elsewhere."""
        thread = threading.Thread(target=self._follow, args=(dict(tasks), pid, since, is_kill, is_quiet), daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def finish(self):
        for thread in self._threads:
            thread.join()

    def await_all(self, until):
        """Waits until nothing is being taken over, at the longest until `until` (monotonic)."""
        for thread in self._threads:
            thread.join(max(0, until - time.monotonic()))

    def _follow(self, tasks, pid, since, is_kill, is_quiet):
        connection = None
        deadline = since + LONGEST
        while tasks and time.monotonic() < deadline:
            try:
                connection = connection or self._postgres.connect()
                rows = connection.execute(
                    "select stage, partition, owner_epoch, last_commit_at > acquired_at,"
                    " (select coalesce(min(next_offset), 0) from egiz.task_offset"
                    " where task_offset.stage = task.stage and task_offset.partition = task.partition)"
                    " from egiz.task where worker_pid <> %s", (pid,)).fetchall()
            except Exception:  # the database is being restarted
                connection = None
                time.sleep(0.1)
                continue
            now = time.monotonic()
            positions = self._recorder.positions()
            for stage, partition, fence, has_committed, following in rows:
                if fence <= tasks.get((stage, partition), fence):
                    continue
                # A partition that is empty, or quiet for a while, gives its new owner nothing to commit.
                recorded, _ = positions.get(self._topics.get((stage, partition)), (0, 0))
                if has_committed or following >= recorded:
                    del tasks[stage, partition]
                    with self._lock:
                        self.count += 1
                        if is_kill:
                            (self.undisturbed if is_quiet else self.disturbed).append(now - since)
            time.sleep(0.05)
        if connection:
            connection.close()
        # Without a record of theirs there is nothing to commit.
        with_records = {place for place, (position, _) in self._recorder.positions().items() if position}
        tasks = {task for task in tasks if self._topics.get(task) in with_records}
        if tasks and is_kill:
            with self._lock:
                self.missing.extend(tasks)
