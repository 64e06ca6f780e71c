"""How long tasks stand still: from the end of their owner until another worker has committed them again."""

import threading
import time


class Takeovers:
    def __init__(self, postgres, recorder):
        self._postgres, self._recorder = postgres, recorder
        self._lock = threading.Lock()
        self._threads = []
        # Seconds for each task, those of killed workers only.
        self.killed = []
        # Tasks that went to another worker after a kill, a freeze or a stop.
        self.count = 0
        self.missing = []

    def owned_by(self, pid):
        """The tasks of a worker with their fence: (stage, partition) -> owner_epoch."""
        rows = self._postgres.rows("select stage, partition, owner_epoch from egiz.task where worker_pid = %s", (pid,))
        return {(stage, partition): fence for stage, partition, fence in rows}

    def watch(self, tasks, pid, since, is_kill):
        """Follows, in a thread of its own, tasks that lost their owner at `since` (monotonic)."""
        thread = threading.Thread(target=self._follow, args=(dict(tasks), pid, since, is_kill), daemon=True)
        self._threads.append(thread)
        thread.start()

    def finish(self):
        for thread in self._threads:
            thread.join()

    def _follow(self, tasks, pid, since, is_kill):
        connection = None
        deadline = since + 60
        while tasks and time.monotonic() < deadline:
            try:
                connection = connection or self._postgres.connect()
                rows = connection.execute(
                    "select stage, partition, owner_epoch, last_commit_at > acquired_at from egiz.task"
                    " where worker_pid <> %s", (pid,)).fetchall()
            except Exception:  # the database is being restarted
                connection = None
                time.sleep(0.1)
                continue
            now = time.monotonic()
            for stage, partition, fence, has_committed in rows:
                if has_committed and fence > tasks.get((stage, partition), fence):
                    del tasks[stage, partition]
                    with self._lock:
                        self.count += 1
                        if is_kill:
                            self.killed.append(now - since)
            time.sleep(0.05)
        if connection:
            connection.close()
        if tasks and is_kill:
            with self._lock:
                self.missing.extend(tasks)
