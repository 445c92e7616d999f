"""Every error response as application/problem+json (RFC 9457)."""

import json
from collections.abc import Sequence
from http import HTTPMethod, HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from ..errors import INTERNAL, AppError
from .bodies import limit_of_server
from .headers import SECURITY_HEADERS
from .messages import message_of

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20


def problem(status: int, code: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **more}


def answer(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), body["status"], headers, MEDIA_TYPE)


def of_app_error(error: AppError) -> dict[str, Any]:
    return problem(error.status, error.code, error.title, error.detail)


def answer_of(error: AppError) -> Response:
    return answer(of_app_error(error), error.headers)


def to_bytes(response: Response) -> bytes:
    """The response as it is sent, for an error that is found before there is a request."""
    status = response.status_code
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode(), b"connection: close"]
    lines += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])


async def on_app_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return answer_of(error)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Errors of the framework: unknown path, wrong method, unreadable body."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return answer_of(limit_of_server(request.app.state.settings).error())
    phrase = HTTPStatus(error.status_code).phrase
    code = getattr(error, "code", phrase.lower().replace(" ", "_").replace("-", "_"))
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and detail == phrase:
        detail = "nothing is served at this path: /docs lists all paths"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not served at this path: /docs lists all methods"
    headers = dict(error.headers) if error.headers else {}
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # the framework names those of one route, or none
        headers["Allow"] = ", ".join(methods_at(request))
    return answer(problem(error.status_code, code, getattr(error, "title", phrase), detail), headers)


def methods_at(request: Request) -> list[str]:
    """All methods that are served at the path of the request. Within a folder of files, which is no route, GET."""
    routes = request.app.routes
    candidates = ({**request.scope, "method": method} for method in HTTPMethod)
    found = [scope["method"] for scope in candidates if any(route.matches(scope)[0] is Match.FULL for route in routes)]
    found = found or ["GET"]
    return sorted(str(method) for method in {*found, *(["HEAD"] if "GET" in found else [])})


async def on_invalid_request(_: Request, error: Exception) -> Response:
    """Names each field and what is wrong with it, without the input."""
    assert isinstance(error, RequestValidationError)
    errors = [{"where": field_path(e["loc"]), "problem": message_of(e)} for e in error.errors()[:MAX_ERRORS]]
    detail = "; ".join(f"{e['where']}: {e['problem']}" for e in errors[:3])
    return answer(problem(422, "invalid_input", "Invalid input", detail, errors=errors))


def field_path(location: Sequence[Any]) -> str:
    """`body.text`. The name of an unknown field comes from the client and is cut."""
    return ".".join(str(part)[:40].encode("ascii", "backslashreplace").decode() for part in location)


async def on_bug(_: Request, error: Exception) -> Response:  # noqa: ARG001 - the details are only logged
    # The framework answers this outside of all middleware, which would add the headers.
    return answer(problem(500, "internal_error", "Internal error", INTERNAL), SECURITY_HEADERS)


def install(app: FastAPI) -> None:
    """Handlers for all errors of the application and of the framework."""
    app.add_exception_handler(AppError, on_app_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(Exception, on_bug)
