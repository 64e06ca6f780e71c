"""What the headers of a call say: who asks (traceparent), until when (deadline), and which call it is (Idempotency-Key)."""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .problems import Problem

_TRACEPARENT = re.compile(r"^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$")
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
_MILLISECONDS = re.compile(r"^[0-9]{1,15}$")


@dataclass(frozen=True)
class Call:
    #: Of the caller's trace, or one of our own where it sent none that is valid (as W3C Trace Context asks).
    trace_id: str
    parent_id: str | None
    #: Of our part of it.
    span_id: str
    flags: str
    #: Seconds since 1970, or None.
    deadline: float | None
    key: str | None

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def seconds_left(self) -> float | None:
        return None if self.deadline is None else self.deadline - time.time()

    def check_deadline(self) -> None:
        """Raises a 504 once nobody waits for the answer."""
        left = self.seconds_left()
        if left is not None and left <= 0:
            raise late()


def late() -> Problem:
    return Problem(504, "deadline", "the deadline of the request has passed")


def trace(headers: Mapping[str, str]) -> tuple[str, str | None, str]:
    """Trace id, the caller's span id, flags."""
    match = _TRACEPARENT.match(headers.get("traceparent", ""))
    return (match[1], match[2], match[3]) if match else (secrets.token_hex(16), None, "00")


def read(headers: Mapping[str, str], trace_id: str, parent_id: str | None, flags: str, span_id: str) -> Call:
    """Raises a 400 for a deadline or a key that cannot be understood."""
    key = headers.get("idempotency-key")
    if key is not None and not _KEY.match(key):
        raise Problem(400, "idempotency-key", "Idempotency-Key: expected 1 to 255 visible ASCII characters")
    return Call(trace_id, parent_id, span_id, flags, _deadline(headers.get("deadline")), key)


def _deadline(text: str | None) -> float | None:
    if text is None:
        return None
    if _MILLISECONDS.match(text):
        return int(text) / 1000
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is not None:
            return instant.timestamp()
    except (ValueError, OverflowError):
        pass
    raise Problem(400, "deadline-format", "deadline: expected RFC 3339 with an offset, or milliseconds since 1970")
