"""What is done to the engine. Each kind is a method; it leaves everything running when it returns."""

import random
import shlex
import signal
import subprocess
import threading
import time

from chaos.harness import sockets
from chaos.harness.postgres import freeze, thaw


class Faults:
    """Does faults one after another, some of them at the same time, drawn from a deck that holds every kind."""

    def __init__(self, world, takeovers, options):
        self._world, self._takeovers = world, takeovers
        self._random = random.Random(options.seed)
        self._options = options
        self._lock = threading.Lock()
        self._busy = set()
        self._is_quiet = False
        self._threads = []
        self._database = threading.Lock()
        self.done = []
        self.skipped = {}
        self.errors = []
        self.kinds = self._applicable()

    def _applicable(self):
        kinds = {"kill-worker": 3, "freeze-worker": 2, "stop-worker": 1, "terminate-backend": 1}
        if sockets.can_cut():
            kinds |= {"cut-kafka": 1, "cut-postgres": 1}
        else:
            self.skipped |= dict.fromkeys(
                ("cut-kafka", "cut-postgres"), "this kernel does not let us take sockets of others (pidfd_getfd)")
        if self._world.postgres.is_private:
            kinds |= {"crash-postgres": 1, "freeze-backends": 1}
        else:
            self.skipped |= dict.fromkeys(
                ("crash-postgres", "freeze-backends"), "the server that EGIZ_DATABASE_URL names is not ours")
        if self._world.is_embedded:
            kinds["freeze-broker"] = 1
            self.skipped["restart-broker"] = "the embedded broker's log lives in its memory"
        else:
            self.skipped["freeze-broker"] = "the broker is not ours"
            if self._options.broker_command:
                kinds["restart-broker"] = 1
            else:
                self.skipped["restart-broker"] = "CHAOS_BROKER_COMMAND does not say how"
        return kinds

    def run(self, until):
        """Draws faults until `until` (monotonic), and a little longer where a kind has not had its turn."""
        began = time.monotonic()
        longest = until + max(60, until - began)
        deck, decks, drawn = [], 0, set()
        while True:
            # Takeovers need some seconds to show; the last fault must have them.
            pause = 60 / self._options.faults_a_minute * self._random.uniform(0.6, 1.4)
            is_over = time.monotonic() + pause > until - self._options.session_timeout - 2
            if is_over and (time.monotonic() > longest or set(self.kinds) <= drawn):
                break
            time.sleep(pause)
            self._world.note_deaths()
            if not deck:
                # Every kind once at first, so that a short run has them all; later by weight. What the embedded broker may not survive
                # (see `_claim_all`) needs minutes of calm in all, and has its turn in every second deck.
                decks += 1
                rare = {"cut-kafka", "freeze-broker"} if self._world.is_embedded and decks % 2 == 0 else set()
                deck = [kind for kind, count in self.kinds.items() if kind not in rare for _ in range(count if drawn else 1)]
                self._random.shuffle(deck)
            kind = deck.pop()
            drawn.add(kind)
            # Every second kill is left alone until its tasks go on, so that its takeover is measured undisturbed.
            if kind == "kill-worker":
                self._is_quiet = not self._is_quiet
                if self._is_quiet:
                    for thread in self._threads:
                        thread.join()
            thread = threading.Thread(target=self._do, args=(kind, random.Random(self._random.random())), daemon=True)
            self._threads.append(thread)
            thread.start()
            if kind == "kill-worker" and self._is_quiet:
                thread.join()
                self._takeovers.await_all(until)
        for thread in self._threads:
            thread.join()

    def _do(self, kind, chance):
        began = time.monotonic()
        what, error = None, "nothing to hit at that moment"
        for _ in range(3):
            try:
                what = getattr(self, "_" + kind.replace("-", "_"))(chance)
            except Exception as problem:  # such as a database that another fault has just ended
                error = f"{type(problem).__name__}: {problem}"
            if what is not None:
                break
            time.sleep(2)
        if what is None:
            self.errors.append(f"{kind}: {error}")
            return
        with self._lock:
            self.done.append(kind)
            print(f"  {time.strftime('%H:%M:%S')} {kind}: {what} ({time.monotonic() - began:.1f} s)", flush=True)

    # Workers

    def _claim(self, chance):
        """The slot of a worker that nobody else is hurting; one worker is always left in peace."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with self._lock:
                free = [slot for slot in range(len(self._world.workers)) if slot not in self._busy]
                if len(free) > 1:
                    slot = chance.choice(free)
                    self._busy.add(slot)
                    return slot
            time.sleep(0.1)
        raise TimeoutError("no worker was free")

    def _release(self, *slots):
        with self._lock:
            self._busy.difference_update(slots)

    def _claim_all(self):
        """Every worker, at a moment when the groups are calm.

        The embedded broker (librdkafka's mock) ends itself with an assertion when a member that waits for the answer to its JoinGroup
        sends it again, which is what it does when the connection breaks or the broker stands still in the middle of a rebalance.
        """
        everyone = range(len(self._world.workers))
        deadline = time.monotonic() + 45
        while time.monotonic() < deadline:
            with self._lock:
                is_free = not self._busy
                if is_free:
                    self._busy.update(everyone)
            if is_free:
                if self._are_calm(deadline):
                    return everyone
                self._release(*everyone)
            time.sleep(0.1)
        raise TimeoutError("the groups did not become calm")

    def _are_calm(self, deadline):
        """Waits until every worker has had tasks of every stage for longer than a session, and still has them seconds later: a rebalance
        that has begun shows in the tasks only when the members hear of it by their next heartbeat and have let go."""
        calm_since = None
        while time.monotonic() < deadline:
            pids = [worker.pid for worker in self._world.workers]
            # Of each stage, because each has a group of its own: one may be calm while another cannot agree.
            is_calm = self._world.postgres.rows(
                "select bool_and(is_calm) from (select count(distinct worker_pid) = %s and bool_and("
                "worker_pid = any (%s) and acquired_at < clock_timestamp() - make_interval(secs => %s)"
                " and (released_at is null or released_at < acquired_at)) as is_calm from egiz.task group by stage) stages",
                (len(pids), pids, self._options.session_timeout + 1))[0][0]
            if not is_calm:
                calm_since = None
            elif calm_since is None:
                calm_since = time.monotonic()
            elif time.monotonic() - calm_since > 2:
                return True
            time.sleep(0.2)
        return False

    def _await_aftermath(self):
        """Lets a rebalance that the fault caused begin, before anybody takes the groups for calm because the tasks still say so."""
        time.sleep(self._options.session_timeout + 1)

    def _kill_worker(self, chance):
        slot = self._claim(chance)
        try:
            worker = self._world.workers[slot]
            tasks = self._takeovers.owned_by(worker.pid)
            if not tasks:
                return None
            worker.is_meant = True
            since = time.monotonic()
            worker.kill()
            self._takeovers.watch(tasks, worker.pid, since, is_kill=True, is_quiet=self._is_quiet)
            time.sleep(chance.uniform(0.5, 6))
            self._world.workers[slot] = self._world.new_worker()
            self._settle(slot)
            return f"{worker.name} with {len(tasks)} tasks"
        finally:
            self._release(slot)

    def _freeze_worker(self, chance):
        slot = self._claim(chance)
        worker = self._world.workers[slot]
        try:
            if self._world.is_embedded and not self._is_at_rest(worker):
                return None
            tasks = self._takeovers.owned_by(worker.pid)
            where = "between its transactions"
            if chance.random() < 0.75 and self._freeze_in_transaction(worker):
                where = "inside a transaction"
            worker.send(signal.SIGSTOP)
            since = time.monotonic()
            # It wakes when another worker has its tasks and went on with them: only then it is a zombie.
            follower = self._takeovers.watch(tasks, worker.pid, since, is_kill=False)
            time.sleep(self._options.session_timeout + 1)
            follower.join(20)
            time.sleep(chance.uniform(0, 1))
            worker.send(signal.SIGCONT)
            seconds = time.monotonic() - since
            self._settle(slot)
            return f"{worker.name} with {len(tasks)} tasks for {seconds:.1f} s, {where}"
        finally:
            worker.send(signal.SIGCONT)
            self._release(slot)

    def _is_at_rest(self, worker):
        """Waits until the worker has had tasks of every stage for some seconds.

        One that stands still in the middle of joining ends the embedded broker as `_claim_all` says; it has nothing to write anyway.
        """
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            at_rest = self._world.postgres.rows(
                "select bool_and(is_at_rest) from (select coalesce(bool_and(acquired_at < clock_timestamp() - interval '2 s'"
                " and (released_at is null or released_at < acquired_at)) filter (where worker_pid = %s), false) as is_at_rest"
                " from egiz.task group by stage) stages", (worker.pid,))[0][0]
            if at_rest:
                return True
            time.sleep(0.2)
        return False

    def _freeze_in_transaction(self, worker):
        """Freezes the worker while one of its epochs is half written; such a zombie still has something to write when it wakes."""
        connection = self._world.postgres.connect()
        with connection:
            row = connection.execute(
                "select left(worker_id, 8) from egiz.task where worker_pid = %s limit 1", (worker.pid,)).fetchone()
            if row is None:
                return False
            query = "select 1 from pg_stat_activity where application_name = %s and xact_start is not null"
            name, deadline = "egiz-commit-" + row[0], time.monotonic() + 10
            while time.monotonic() < deadline:
                if not connection.execute(query, (name,)).fetchone():
                    continue
                worker.send(signal.SIGSTOP)
                # What the server was doing it ends; if the transaction is open then, its COMMIT was not sent yet.
                time.sleep(0.3)
                if connection.execute(query + " and state = 'idle in transaction'", (name,)).fetchone():
                    return True
                worker.send(signal.SIGCONT)
                time.sleep(0.05)
        return False

    def _stop_worker(self, chance):
        slot = self._claim(chance)
        try:
            worker = self._world.workers[slot]
            tasks = self._takeovers.owned_by(worker.pid)
            worker.is_meant = True
            self._takeovers.watch(tasks, worker.pid, time.monotonic(), is_kill=False)
            status = worker.stop()
            self._world.workers[slot] = self._world.new_worker()
            self._settle(slot)
            return f"{worker.name} with {len(tasks)} tasks, exit status {status}"
        finally:
            self._release(slot)

    def _settle(self, slot):
        """Waits until the worker has tasks again, so that the next fault finds something to hurt."""
        pid = self._world.workers[slot].pid
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self._world.workers[slot].is_running:
            if self._world.postgres.rows("select 1 from egiz.task where worker_pid = %s limit 1", (pid,)):
                return
            time.sleep(0.2)

    def _cut_kafka(self, chance):
        return self._cut(chance, lambda peer: peer[1] != self._world.postgres.port, "Kafka")

    def _cut_postgres(self, chance):
        return self._cut(chance, lambda peer: peer[1] == self._world.postgres.port, "Postgres")

    def _cut(self, chance, is_wanted, name):
        is_delicate = name == "Kafka" and self._world.is_embedded
        slots = self._claim_all() if is_delicate else [self._claim(chance)]
        try:
            worker = self._world.workers[chance.choice(slots)]
            count = sockets.cut(worker.pid, is_wanted)
            for _ in range(0 if is_delicate else chance.randrange(3)):
                time.sleep(chance.uniform(0, 0.5))
                count += sockets.cut(worker.pid, is_wanted)
            if is_delicate and count:
                self._await_aftermath()
            return f"{worker.name}, {count} connections to {name}" if count else None
        finally:
            self._release(*slots)

    # Postgres

    def _backends(self):
        return [row[0] for row in self._world.postgres.rows(
            "select pid from pg_stat_activity where application_name like 'egiz-commit-%%' order by pid")]

    def _crash_postgres(self, chance):
        with self._database:
            self._world.postgres.crash()
            seconds = chance.uniform(0, 3)
            time.sleep(seconds)
            self._world.postgres.start()
        return f"down for {seconds:.1f} s and its recovery"

    def _freeze_backends(self, chance):
        with self._database:
            backends = self._backends()
            seconds = chance.uniform(1, 6)
            try:
                for pid in backends:
                    freeze(pid)
                time.sleep(seconds)
            finally:
                for pid in backends:
                    thaw(pid)
        return f"{len(backends)} for {seconds:.1f} s" if backends else None

    def _terminate_backend(self, chance):
        with self._database:
            backends = self._backends()
            if not backends:
                return None
            victims = chance.sample(backends, chance.randrange(1, len(backends) + 1))
            for pid in victims:
                self._world.postgres.rows("select pg_terminate_backend(%s)", (pid,))
        return f"{len(victims)} of {len(backends)}"

    # Kafka

    def _freeze_broker(self, chance):
        slots = self._claim_all()
        try:
            # Not as long as the session: members that find it ended join again on new connections while their first JoinGroup still
            # lies unread on the old one, which is what the assertion does not bear.
            seconds = chance.uniform(1, max(1.5, self._options.session_timeout * 0.6))
            try:
                self._world.broker.send(signal.SIGSTOP)
                time.sleep(seconds)
            finally:
                self._world.broker.send(signal.SIGCONT)
            self._await_aftermath()
        finally:
            self._release(*slots)
        return f"{seconds:.1f} s"

    def _restart_broker(self, chance):
        subprocess.run(shlex.split(self._options.broker_command), check=True, timeout=300)
        return self._options.broker_command
