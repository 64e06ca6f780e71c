"""Reads a request's body: bounded, and strictly JSON."""

import json
from typing import Any, NoReturn

from fastapi import Request

from .problems import Problem


async def read(request: Request, limit: int) -> bytes:
    """Stops reading as soon as the limit is passed, whatever Content-Length says."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def parse(request: Request, body: bytes) -> dict[str, Any]:
    """A JSON object, or a problem that says what else it is."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, "media-type", f"found {kind}, expected application/json")
    try:
        value = json.loads(body, parse_constant=_refuse)
    except RecursionError:
        raise Problem(400, "json", "the body is nested too deeply") from None
    except ValueError as error:
        raise Problem(400, "json", f"the body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Problem(422, "shape", "the body is no JSON object")
    return value


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _too_large(limit: int) -> Problem:
    # The rest of the body is not read, so the connection cannot go on.
    return Problem(413, "too-large", f"the body is larger than {limit} bytes", {"Connection": "close"})
