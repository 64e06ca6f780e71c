"""What all prediction routes have in common: deadline, body, faults to order, answers by Idempotency-Key."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response

from . import body, call
from .answers import Answer, Answers
from .faults import Faults
from .metrics import Metrics
from .predictor import Predictor
from .problems import Problem
from .settings import Settings

#: From the request's document and its call to the answer's document and the version of the model that made it.
Work = Callable[[dict[str, Any], call.Call], tuple[dict[str, Any], str]]


class Endpoint:
    def __init__(self, predictor: Predictor, settings: Settings, metrics: Metrics, faults: Faults | None):
        self.predictor = predictor
        self._settings = settings
        self._metrics = metrics
        self._faults = faults
        self._answers = Answers(settings.kept_answers, settings.kept_seconds)

    async def answer(self, request: Request, work: Work) -> Response:
        trace_id, parent_id, flags, span_id = request.state.trace
        asked = call.read(request.headers, trace_id, parent_id, flags, span_id)
        asked.check_deadline()
        try:
            async with asyncio.timeout(asked.seconds_left()):
                return await self._answer(request, asked, work)
        except TimeoutError:
            raise call.late() from None

    async def _answer(self, request: Request, asked: call.Call, work: Work) -> Response:
        content = await body.read(request, self._settings.max_body)

        async def make() -> Answer:
            document, version = work(body.parse(request, content), asked)
            # Predicting holds the loop, so the timeout could not strike meanwhile.
            asked.check_deadline()
            return Answer(200, json.dumps(document, separators=(",", ":")).encode(), {"Egiz-Model-Version": version})

        async def once() -> Answer:
            answer, is_repeat = await self._answers.once(request.url.path, asked.key, content, make)
            if is_repeat:
                self._metrics.repeats.add((request.scope["route"].path,))
            return answer

        if self._faults is not None and (fault := self._faults.take()) is not None:
            return await self._faults.spoil(fault, once)
        answer = await once()
        return Response(answer.body, answer.status, answer.headers, "application/json")


def instances(document: dict[str, Any], name: str = "instances") -> list[Any]:
    """A list that is not empty, or a 422 that names the member."""
    values = document.get(name)
    if not isinstance(values, list) or not values:
        raise Problem(422, "shape", f"{name}: expected an array with at least one member")
    return values
