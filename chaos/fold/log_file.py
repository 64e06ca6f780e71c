"""The recorded log on disk: one file a partition, records in the order of their offsets."""

import struct
from typing import NamedTuple, Optional

# offset, timestamp in ms, length of key, value and headers; -1 stands for null.
_HEAD = struct.Struct("<qqiii")


class Record(NamedTuple):
    offset: int
    timestamp: int
    key: Optional[bytes]
    value: Optional[bytes]
    headers: bytes


def pack(offset, timestamp, key, value, headers=b""):
    """The bytes of one record; headers are text, `name=value` a line."""
    head = _HEAD.pack(
        offset, timestamp, -1 if key is None else len(key), -1 if value is None else len(value), len(headers))
    return head + (key or b"") + (value or b"") + headers


def read(path):
    """All records of a file."""
    with open(path, "rb", buffering=1 << 20) as file:
        while True:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            offset, timestamp, keys, values, headers = _HEAD.unpack(head)
            key = file.read(keys) if keys >= 0 else None
            value = file.read(values) if values >= 0 else None
            yield Record(offset, timestamp, key, value, file.read(headers) if headers else b"")
