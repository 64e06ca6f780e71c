"""Keeps the log: the embedded broker forgets what is older than some MiB, the fold needs all of it."""

import multiprocessing
import os
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from chaos.fold import log_file


class Recorder:
    """A process that reads every partition of some topics from its beginning and writes it to files."""

    def __init__(self, brokers, topics, folder):
        """`topics`: name -> number of partitions."""
        self.places = [(topic, partition) for topic, count in topics.items() for partition in range(count)]
        self.folder = os.path.join(folder, "log")
        os.makedirs(self.folder, exist_ok=True)
        context = multiprocessing.get_context("spawn")
        self._next = context.Array("q", len(self.places), lock=False)
        self._bytes = context.Array("q", len(self.places), lock=False)
        self._stop = context.Event()
        self._process = context.Process(
            target=_record, args=(brokers, self.places, self.folder, self._next, self._bytes, self._stop), daemon=True)
        self._process.start()

    def path(self, topic, partition):
        return os.path.join(self.folder, f"{topic}-{partition}.log")

    @property
    def is_running(self):
        return self._process.is_alive()

    @property
    def pid(self):
        return self._process.pid

    def positions(self):
        """(topic, partition) -> (next offset, bytes recorded)."""
        return {place: (self._next[index], self._bytes[index]) for index, place in enumerate(self.places)}

    def total(self, topics):
        """Records recorded of these topics."""
        return sum(count for (topic, _), count in zip(self.places, self._next) if topic in topics)

    def stop(self):
        if self._process.is_alive():
            self._stop.set()
        self._process.join(60)
        return self._process.exitcode == 0


def _record(brokers, places, folder, next_offsets, recorded, stop):
    consumer = Consumer({
        "bootstrap.servers": brokers, "group.id": "chaos-recorder", "enable.auto.commit": False,
        "auto.offset.reset": "error", "queued.min.messages": 100_000, "fetch.wait.max.ms": 200,
        "isolation.level": "read_committed", "socket.timeout.ms": 10_000, "reconnect.backoff.max.ms": 500})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for topic, partition in places])
    index = {place: number for number, place in enumerate(places)}
    files = [open(os.path.join(folder, f"{topic}-{partition}.log"), "wb", buffering=1 << 18)
             for topic, partition in places]
    idle_since = None
    while True:
        messages = consumer.consume(5000, 0.1)
        for message in messages:
            error = message.error()
            if error is not None:
                if error.fatal() or error.code() in (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET):
                    raise SystemExit(f"chaos: the recorder lost the log: {error}")
                continue
            number = index[message.topic(), message.partition()]
            value = message.value()
            headers = message.headers()
            packed = log_file.pack(
                message.offset(), message.timestamp()[1], message.key(), value,
                b"" if not headers else b"\n".join(name.encode() + b"=" + (item or b"") for name, item in headers))
            files[number].write(packed)
            next_offsets[number] = message.offset() + 1
            recorded[number] += len(packed)
        if messages:
            idle_since = None
        elif stop.is_set():
            idle_since = idle_since or time.monotonic()
            if time.monotonic() - idle_since > 1:
                break
    for file in files:
        file.close()
    consumer.close()
