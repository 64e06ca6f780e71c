"""Everything a run consists of but the faults: broker, database, workers, the topology they run."""

import os
import re
import signal
import socket
import string
import time
import uuid

from confluent_kafka.admin import AdminClient, NewTopic

from chaos.harness.postgres import Postgres, free_port
from chaos.harness.program import Program


class World:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.suffix = uuid.uuid4().hex[:8]
        self.ditto_topic = f"chaos.ditto.{self.suffix}"
        self.telemetry_topic = f"chaos.telemetry.{self.suffix}"
        self.topics = {self.ditto_topic: options.partitions, self.telemetry_topic: max(1, options.partitions // 2)}
        # What the topology emits to, name -> partitions: recorded for chaos/projections/emitted.py.
        self.output_topics = {
            f"chaos.{self.suffix}.closed": 32, f"chaos.{self.suffix}.late": 32, f"chaos.{self.suffix}.mapped": 16,
            f"{self.ditto_topic}.dlq": 16, f"{self.telemetry_topic}.dlq": 16}
        self.broker = self.postgres = None
        self.workers = []
        # Workers that ended although nobody asked them to: each is a failure of the run.
        self.deaths = []
        self._topology = self._write_topology()
        self._started = 0
        try:
            self._start()
        except BaseException:
            self.end()
            raise

    def _start(self):
        options, folder = self.options, self.folder
        for name in ("egiz", "zonesun-simulator"):
            if not os.access(self.binary(name), os.X_OK):
                raise SystemExit(f"chaos: there is no {self.binary(name)}; build it, or name its folder in CHAOS_BIN")
        self.postgres = Postgres(options.database, self.suffix, folder)
        self.is_embedded = not options.brokers
        self.brokers = options.brokers or self._start_broker()
        if options.brokers:
            self._create_topics()
        migrated = Program("migrate", [self.binary("egiz"), "db", "migrate"], folder, self._environment("migrate"))
        if migrated.process.wait(120):
            raise SystemExit(f"chaos: the migration failed\n{migrated.tail()}")
        self.workers = [self.new_worker() for _ in range(options.workers)]

    def binary(self, name):
        return os.path.join(os.path.abspath(self.options.binaries), name)

    def new_worker(self):
        self._started += 1
        name = f"worker-{self._started}"
        return Program(
            name, [self.binary("egiz"), "worker", "--topologies", self._topology], self.folder, self._environment(name))

    def stages(self):
        """(stage, topic, partition, format) of every task."""
        for source, topic, format in (
                ("events", self.ditto_topic, "ditto"), ("telemetry", self.telemetry_topic, "telemetry")):
            for partition in range(self.topics[topic]):
                yield f"chaos-{self.suffix}.{source}", topic, partition, format

    def note_deaths(self):
        """Replaces workers that ended by themselves; without its broker the run ends."""
        if self.broker and not self.broker.is_running:
            raise SystemExit(f"chaos: the embedded broker ended by itself\n{self.broker.tail(200)[:3000]}")
        for slot, worker in enumerate(self.workers):
            if not worker.is_running and not getattr(worker, "is_meant", False):
                worker.is_meant = True
                self.deaths.append(f"{worker.name} ended with {worker.process.returncode}\n{worker.tail()}")
                self.workers[slot] = self.new_worker()

    def end(self):
        for worker in self.workers:
            worker.send(signal.SIGCONT)
            worker.kill()
        if self.broker:
            self.broker.send(signal.SIGCONT)
            self.broker.stop(5)
        if self.postgres:
            self.postgres.end()

    def _environment(self, name):
        environment = {
            "EGIZ_KAFKA_BROKERS": getattr(self, "brokers", ""), "EGIZ_DATABASE_URL": self.postgres.url,
            "EGIZ_KAFKA_SESSION_TIMEOUT": f"{int(self.options.session_timeout * 1000)}ms",
            "EGIZ_SHUTDOWN_GRACE": f"{int(self.options.session_timeout * 450)}ms",
            # What is compacted no longer shows what stood there twice.
            "EGIZ_HISTORY_GRACE": "80000m",
            "EGIZ_DATA_DIR": os.path.join(self.folder, f"data-{name}")}
        for key in ("EGIZ_LOG_LEVEL", "EGIZ_KAFKA_PROPERTIES"):
            if os.environ.get(key):
                environment[key] = os.environ[key]
        if self.options.sabotage:
            environment["EGIZ_SABOTAGE"] = self.options.sabotage
        return environment

    def _write_topology(self):
        with open(os.path.join(os.path.dirname(__file__), "..", "topology.yaml")) as file:
            text = string.Template(file.read().split("\n", 1)[1]).substitute(
                SUFFIX=self.suffix, DITTO=self.topics[self.ditto_topic], TELEMETRY=self.topics[self.telemetry_topic])
        path = os.path.join(self.folder, "chaos.yaml")
        with open(path, "w") as file:
            file.write(text)
        return path

    def _start_broker(self):
        command = [self.binary("egiz"), "broker", "--port", str(free_port())]
        for topic, count in {**self.topics, **self.output_topics}.items():
            command += ["--topic", f"{topic}:{count}"]
        self.broker = Program("broker", command, self.folder)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.broker.is_running:
            found = re.search(r"^Kafka +(\S+)", self.broker.tail(50), re.MULTILINE)
            if found:
                host, port = found[1].rsplit(":", 1)
                try:
                    socket.create_connection((host, int(port)), 2).close()
                    return found[1]
                except OSError:
                    pass
            time.sleep(0.05)
        raise SystemExit(f"chaos: the embedded broker did not start\n{self.broker.tail()}")

    def _create_topics(self):
        admin = AdminClient({"bootstrap.servers": self.brokers})
        made = admin.create_topics([NewTopic(name, num_partitions=count) 
                                    for name, count in {**self.topics, **self.output_topics}.items()])
        for future in made.values():
            future.result(60)
