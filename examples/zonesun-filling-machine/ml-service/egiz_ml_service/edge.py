"""Around every request: its place in the caller's trace, one log line, one count."""

import logging
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import call
from .metrics import Metrics

_log = logging.getLogger("egiz.ml.request")


class Edge:
    """ASGI middleware. Leaves the trace in the request's state and in the answer's headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        trace_id, parent_id, flags = call.trace(headers)
        span_id = secrets.token_hex(8)
        scope.setdefault("state", {})["trace"] = (trace_id, parent_id, flags, span_id)
        started, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                traceparent = f"00-{trace_id}-{span_id}-{flags}".encode()
                message = {**message, "headers": [*message["headers"], (b"traceparent", traceparent)]}
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.requests.add((route, str(status)))
            level = logging.DEBUG if status < 400 else logging.WARNING
            facts = {
                "method": scope["method"], "path": scope["path"], "status": status,
                "milliseconds": round((time.perf_counter() - started) * 1000, 3),
                "traceId": trace_id, "spanId": span_id, "parentId": parent_id,
            }
            _log.log(level, "request", extra={"facts": facts})
