"""One-dimensional Postgres arrays in binary form, read in one go."""

import struct

_cache = {}
# Microseconds from 1970 to 2000, where Postgres counts from.
TO_1970 = 946_684_800_000_000


def eights(data, letter):
    """The elements of an array of float8 (letter d) or timestamptz (letter q); None stands for null."""
    if data is None:
        return ()
    dimensions, has_nulls, _ = struct.unpack_from(">iiI", data)
    if dimensions == 0:
        return ()
    count = struct.unpack_from(">i", data, 12)[0]
    if not has_nulls:
        key = letter, count
        shape = _cache.get(key)
        if shape is None:
            shape = _cache[key] = struct.Struct(">" + ("i" + letter) * count)
        return shape.unpack_from(data, 20)[1::2]
    items, at = [], 20
    for _ in range(count):
        length = struct.unpack_from(">i", data, at)[0]
        at += 4
        items.append(None if length < 0 else struct.unpack_from(">" + letter, data, at)[0])
        at += max(length, 0)
    return items


def texts(data):
    """The elements of an array of text; None stands for null."""
    if data is None:
        return ()
    if struct.unpack_from(">i", data)[0] == 0:
        return ()
    count, at, items = struct.unpack_from(">i", data, 12)[0], 20, []
    for _ in range(count):
        length = struct.unpack_from(">i", data, at)[0]
        at += 4
        items.append(None if length < 0 else bytes(data[at:at + length]).decode())
        at += max(length, 0)
    return items
