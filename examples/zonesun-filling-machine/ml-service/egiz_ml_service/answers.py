"""Answers that were given, by Idempotency-Key: a repeated call gets the same bytes and costs no second prediction."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .problems import Problem

#: Bytes of all kept answers together.
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]


@dataclass
class _Kept:
    digest: bytes
    since: float
    answer: "asyncio.Future[Answer]"
    size: int = 0


class Answers:
    """Not for several threads. Only successes are kept, so that a retry after an error is a new try."""

    def __init__(self, count: int, seconds: float, clock: Callable[[], float] = time.monotonic):
        self._count = count
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._bytes = 0

    async def once(self, path: str, key: str | None, body: bytes, make: Callable[[], Awaitable[Answer]]) -> tuple[Answer, bool]:
        """The answer, and whether it is an old one. The same key with another body is a 422; two calls at once share one try."""
        if key is None:
            return await make(), False
        place, digest = (path, key), hashlib.sha256(body).digest()
        self._forget_old()
        while (kept := self._kept.get(place)) is not None:
            if kept.digest != digest:
                raise Problem(422, "idempotency-key-reused", "Idempotency-Key: this key came with another body before")
            # A cancelled waiter must not cancel the others' answer.
            await asyncio.wait([kept.answer])
            if not kept.answer.cancelled() and kept.answer.exception() is None:
                return kept.answer.result(), True
            # The first try failed; whoever comes first tries again.
        kept = self._kept[place] = _Kept(digest, self._clock(), asyncio.get_running_loop().create_future())
        try:
            answer = await make()
        except BaseException:
            self._drop(place)
            kept.answer.cancel()
            raise
        kept.answer.set_result(answer)
        if answer.status >= 300:
            self._drop(place)
        else:
            kept.size = len(answer.body)
            self._bytes += kept.size
            self._make_room()
        return answer, False

    def _drop(self, place: tuple[str, str]) -> None:
        self._bytes -= self._kept.pop(place).size

    def _forget_old(self) -> None:
        horizon = self._clock() - self._seconds
        while self._kept:
            place, oldest = next(iter(self._kept.items()))
            if oldest.since >= horizon or not oldest.answer.done():
                return
            self._drop(place)

    def _make_room(self) -> None:
        for place in [place for place, kept in self._kept.items() if kept.answer.done()]:
            if len(self._kept) <= self._count and self._bytes <= MAX_BYTES:
                return
            self._drop(place)
