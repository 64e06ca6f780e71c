"""JSON merge patches as Ditto understands them (section 5.4), telling which leaves they write and remove."""

import re

from .leaves import ABSENT, leaves, remove
from .pointer import escape
from .verdict import DeadLetter

MISSING = object()
_ODD_KEY = re.compile(r"\{\{\s*(?:~(.*)~|/(.*)/)\s*\}\}", re.DOTALL)


def merge(patch, target, path, changes):
    """The patched value; `target` stays as it is. `changes` (path -> value) may be None."""
    if not isinstance(patch, dict):
        _replace(target, path, changes)
        leaves(patch, path, changes)
        return patch
    if not isinstance(target, dict):
        _replace(target, path, changes)
        stripped = strip(patch)
        leaves(stripped, path, changes)
        return stripped
    result = dict(target)
    odd = []
    for key, value in patch.items():
        inner = path + "/" + escape(key)
        if value is None:
            if key in result:
                remove(result.pop(key), inner, changes)
            if key.startswith("{{") and key.endswith("}}"):
                odd.append(key)
        elif key in target:
            result[key] = merge(value, target[key], inner, changes)
        else:
            stripped = strip(value)
            leaves(stripped, inner, changes)
            result[key] = stripped
    for key in odd:
        _remove_matches(key, patch, target, result, path, changes)
    return result


def strip(value):
    if not isinstance(value, dict):
        return value
    return {key: strip(item) for key, item in value.items() if item is not None}


def _replace(target, path, changes):
    if target is not MISSING:
        remove(target, path, changes)


def _remove_matches(key, patch, target, result, path, changes):
    match = _ODD_KEY.fullmatch(key)
    if match is None:
        return
    try:
        expression = re.compile(match[1] if match[1] is not None else match[2])
    except re.error:
        raise DeadLetter("merge") from None
    for name in target:
        if expression.fullmatch(name):
            inner = path + "/" + escape(name)
            if name in result:
                remove(result.pop(name), inner, changes)
            if name in patch:
                result[name] = patch[name]
                leaves(patch[name], inner, changes)
