"""Faults to order, so that callers can be tested: slow, failing, hanging, wrong answers. Only with EGIZ_ML_FAULTS=1.

`PUT /faults` says what happens to the next calls of the prediction routes, `DELETE /faults` ends it, `GET /faults` shows it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from . import body
from .answers import Answer
from .problems import Problem

KINDS = ("slow", "status", "wrong-json", "wrong-shape", "wrong-length", "wrong-version", "item-error", "large", "hang")
LARGE = 50_000_000


@dataclass
class Fault:
    kind: str
    #: Of `slow` and `hang`: how long.
    seconds: float = 1.0
    #: Of `status`, and Retry-After where it is given.
    status: int = 500
    retryAfter: int | None = None
    #: Calls that it hits; None for all.
    count: int | None = None


class Faults:
    """What is ordered now. Hanging calls end when the service stops."""

    def __init__(self) -> None:
        self.ordered: Fault | None = None
        self.stopping = asyncio.Event()

    def take(self) -> Fault | None:
        """The fault of this call."""
        fault = self.ordered
        if fault is not None and fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                self.ordered = None
        return fault

    async def spoil(self, fault: Fault, make: Callable[[], Awaitable[Answer]]) -> Response:
        """The answer that `make` gives, or would have given, as the fault has it."""
        match fault.kind:
            case "slow":
                await asyncio.sleep(fault.seconds)
                return _plain(await make())
            case "hang":
                await self._hang(fault.seconds)
                return _plain(await make())
            case "status":
                headers = {} if fault.retryAfter is None else {"Retry-After": str(fault.retryAfter)}
                return Problem(fault.status, "fault", "a fault that was ordered", headers).response("/faults")
            case "large":
                return StreamingResponse(_large(), media_type="application/json")
        answer = await make()
        if fault.kind == "wrong-json":
            return Response(answer.body[: len(answer.body) // 2], media_type="application/json")
        document = json.loads(answer.body)
        predictions = document.get("predictions")
        match fault.kind:
            case "wrong-shape":
                document = {"prediction": "none", "predictions": 7}
            case "wrong-length":
                document["predictions"] = predictions[:-1] if isinstance(predictions, list) else []
            case "wrong-version":
                document["model_version"] = "0.0.0+00000000"
            case "item-error":
                error = {"error": {"code": "fault", "message": "a fault that was ordered", "feature": None}}
                document["predictions"] = [error, *predictions[1:]] if isinstance(predictions, list) else error
        return JSONResponse(document)

    async def _hang(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return
        raise Problem(503, "stopping", "the service is stopping")


def router(faults: Faults, limit: int) -> APIRouter:
    routes = APIRouter()

    @routes.put("/faults")
    async def order(request: Request) -> dict[str, Any]:
        faults.ordered = _fault(body.parse(request, await body.read(request, limit)))
        return asdict(faults.ordered)

    @routes.get("/faults")
    async def show() -> dict[str, Any] | None:
        return None if faults.ordered is None else asdict(faults.ordered)

    @routes.delete("/faults", status_code=204)
    async def end() -> None:
        faults.ordered = None

    return routes


def _fault(order: dict[str, Any]) -> Fault:
    if order.get("kind") not in KINDS:
        raise Problem(422, "shape", f"kind: found {order.get('kind')!r}, expected one of {', '.join(KINDS)}")
    try:
        fault = Fault(**order)
    except TypeError as error:
        raise Problem(422, "shape", str(error)) from None
    if fault.kind == "hang" and "seconds" not in order:
        fault.seconds = 600.0
    numbers = [fault.seconds, fault.status, *(n for n in (fault.count, fault.retryAfter) if n is not None)]
    if not all(isinstance(n, (int, float)) and not isinstance(n, bool) and n >= 0 for n in numbers) or fault.status not in range(400, 600):
        raise Problem(422, "shape", "expected seconds, count and retryAfter of 0 or more, and a status of 400 to 599")
    return fault


def _plain(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers, "application/json")


async def _large() -> AsyncIterator[bytes]:
    """Valid JSON with a text of 50 MB in it."""
    block = b"x" * 65_536
    yield b'{"model_version":"'
    for _ in range(LARGE // len(block) + 1):
        yield block
    yield b'","predictions":[]}'
