"""JSON as the specification accepts it (section 2): strict, exact, no empty member names, at most 1000 levels."""

import json
import re
import sys

from .verdict import DeadLetter

MAX_LEVELS = 1000
# Level 1000 of the text is some levels deeper on the stack of the parser, the copier and the walker.
sys.setrecursionlimit(20_000)

# Whatever the fast parser would let through wrongly is looked at again, slowly. False alarms only cost time.
_SUSPECT = re.compile(r'""\s*:|\\u[dD][89a-fA-F]|[0-9]{18}|[eE]\+?[0-9]{3}|\\u0000|[{\[](?:[^{}\[\]]*[{\[]){64}')
_SURROGATE = re.compile('[\ud800-\udfff]')


def parse(data):
    """The value of one JSON text in UTF-8; raises DeadLetter("json")."""
    try:
        text = data.decode("utf-8") if isinstance(data, (bytes, bytearray, memoryview)) else data
        if text.startswith("\ufeff"):
            raise ValueError("byte order mark")
        if _SUSPECT.search(text) is None:
            return json.loads(text, parse_constant=_refuse)
        value = json.loads(
            text, parse_constant=_refuse, parse_int=_integer, parse_float=_double, object_pairs_hook=_object)
        _check(value)
        return value
    except (ValueError, RecursionError):
        raise DeadLetter("json") from None


def _refuse(word):
    raise ValueError(word)


def _integer(text):
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError("integer beyond 64 bits")
    return value


def _double(text):
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number beyond a double")
    return value


def _object(pairs):
    result = {}
    for key, value in pairs:
        if not key:
            raise ValueError("empty member name")
        # Duplicates that lose are still text of the record and must be right themselves.
        _surrogates(key)
        if isinstance(value, str):
            _surrogates(value)
        result[key] = value
    return result


def _surrogates(text):
    if _SURROGATE.search(text):
        raise ValueError("half a surrogate pair")


def _check(value):
    """Levels and surrogates inside arrays, without recursion."""
    level = [value]
    depth = 0
    while level:
        inner = []
        containers = False
        for item in level:
            if isinstance(item, dict):
                containers = True
                inner.extend(item.values())
            elif isinstance(item, list):
                containers = True
                inner.extend(item)
            elif isinstance(item, str):
                _surrogates(item)
        if containers:
            depth += 1
            if depth > MAX_LEVELS:
                raise ValueError("too many levels")
        level = inner


def same(a, b):
    """Equality of the specification: numbers by value, booleans are no numbers, objects without order."""
    if a is b:
        return True
    if isinstance(a, bool) or isinstance(b, bool):
        return False
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, str) or isinstance(b, str):
        return type(a) is type(b) and a == b
    if a is None or b is None:
        return False
    if isinstance(a, (dict, list)) or isinstance(b, (dict, list)):
        return False
    return a == b
