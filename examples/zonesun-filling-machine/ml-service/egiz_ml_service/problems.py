"""Errors as problem documents of RFC 9457, as Digital Egiz' own API tells them."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException


class Problem(Exception):
    """`code` is a stable word; the document's type is `urn:egiz:problem:<code>`. `more` are members of their own."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any):
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = headers
        self.more = more

    def response(self, path: str) -> JSONResponse:
        document = {
            "type": f"urn:egiz:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": path,
            **self.more,
        }
        return JSONResponse(document, self.status, self.headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Makes every error of `app` a problem document, those of the framework included."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, problem: Problem) -> JSONResponse:
        return problem.response(request.url.path)

    @app.exception_handler(HTTPException)
    async def _framework(request: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
        headers = dict(error.headers) if error.headers else None
        return Problem(error.status_code, code, str(error.detail), headers).response(request.url.path)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> JSONResponse:
        # The framework logs the stack; what went wrong inside is nothing for the caller.
        return Problem(500, "internal", "the service failed; its log says why").response(request.url.path)
