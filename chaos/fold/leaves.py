"""Leaves: the values that history has series for. Scalars, nulls, and arrays as a whole; an empty object is none."""

from .pointer import escape

ABSENT = object()


def leaves(value, path, changes):
    """Notes every leaf of `value` as written."""
    if changes is None:
        return
    if type(value) is dict:
        for key, item in value.items():
            inner = path + "/" + escape(key)
            if type(item) is dict:
                leaves(item, inner, changes)
            else:
                changes[inner] = item
    else:
        changes[path] = value


def remove(value, path, changes):
    """Notes every leaf of `value` as gone; what is written afterwards at the same path wins."""
    if changes is None:
        return
    if type(value) is dict:
        for key, item in value.items():
            remove(item, path + "/" + escape(key), changes)
    else:
        changes[path] = ABSENT
