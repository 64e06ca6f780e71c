"""The careful hand-written Python consumer: confluent-kafka, orjson, COPY of rows, offsets in the same transaction.

    python consumer.py BROKERS TOPIC EVENTS POSTGRES_URL PARTITIONS

History rows only: no twins, no series, no rebalance, no dead letters.
"""

import sys
import time
from datetime import datetime

import orjson
import psycopg
from confluent_kafka import Consumer, TopicPartition

brokers, topic, events, url, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
db = psycopg.connect(url)
db.execute("drop table if exists py_history, py_offset")
db.execute("create table py_history(time timestamptz, thing text, path text, value float8)")
db.execute("create table py_offset(partition int primary key, next bigint)")
db.commit()
consumer = Consumer({"bootstrap.servers": brokers, "group.id": "py", "enable.auto.commit": False,
                     "queued.min.messages": 1000000, "check.crcs": False})
consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
done, begin, stamps = 0, None, {}
while done < events:
    batch = consumer.consume(10000, 0.2)
    rows, offsets = [], {}
    for message in batch:
        if message.error():
            continue
        event = orjson.loads(message.value())
        value = event.get("value")
        if isinstance(value, (int, float)):
            text = event["timestamp"]
            stamp = stamps.get(text)
            if stamp is None:
                stamp = stamps[text] = datetime.fromisoformat(text.replace("Z", "+00:00"))
                if len(stamps) > 100000:
                    stamps.clear()
            rows.append((stamp, message.key().decode(), event["path"], float(value)))
        offsets[message.partition()] = message.offset() + 1
        done += 1
    if not offsets:
        continue
    if begin is None:
        begin = time.monotonic()
    with db.transaction(), db.cursor() as cursor:
        with cursor.copy("copy py_history from stdin (format binary)") as copy:
            copy.set_types(["timestamptz", "text", "text", "float8"])
            for row in rows:
                copy.write_row(row)
        for partition, offset in offsets.items():
            cursor.execute("insert into py_offset values (%s, %s) on conflict (partition) do update set next = excluded.next",
                           (partition, offset))
print(f"{done} events, {done / (time.monotonic() - begin):.0f} events/s")
