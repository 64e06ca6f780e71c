"""Timestamps (section 3.4) as nanoseconds since 1970, and back to the canonical text."""

import re
from datetime import datetime, timedelta, timezone

from .verdict import DeadLetter

_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)
_EPOCH = datetime(1970, 1, 1)
EARLIEST = 0
LATEST = int((datetime(2200, 1, 1) - _EPOCH).total_seconds()) * 10**9

_seconds_of_minute = {}


def parse(text):
    """Nanoseconds since 1970; raises DeadLetter("timestamp")."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise DeadLetter("timestamp")
    minute = text[:16]
    seconds = _seconds_of_minute.get(minute)
    try:
        if seconds is None:
            moment = datetime(*(int(match[i]) for i in range(1, 6)))
            seconds = (moment - _EPOCH) // timedelta(seconds=1)
            if len(_seconds_of_minute) > 10_000:
                _seconds_of_minute.clear()
            _seconds_of_minute[minute] = seconds
    except ValueError:
        raise DeadLetter("timestamp") from None
    second = int(match[6])
    if second > 59:
        raise DeadLetter("timestamp")
    if match[8]:
        hours, minutes = int(match[9]), int(match[10])
        if hours > 18 or minutes > 59 or hours == 18 and minutes:
            raise DeadLetter("timestamp")
        offset = hours * 3600 + minutes * 60
        seconds -= offset if match[8] == "+" else -offset
    return (seconds + second) * 10**9 + int((match[7] or "").ljust(9, "0"))


def canonical(nanoseconds):
    """UTC with Z and the shortest fraction of 0, 3, 6 or 9 digits."""
    seconds, rest = divmod(nanoseconds, 10**9)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()
    if rest == 0:
        return text + "Z"
    if rest % 10**6 == 0:
        return f"{text}.{rest // 10**6:03d}Z"
    if rest % 10**3 == 0:
        return f"{text}.{rest // 10**3:06d}Z"
    return f"{text}.{rest:09d}Z"


def from_database(moment):
    """Nanoseconds of a timestamptz."""
    return int((moment.astimezone(timezone.utc).replace(tzinfo=None) - _EPOCH) / timedelta(microseconds=1)) * 1000
