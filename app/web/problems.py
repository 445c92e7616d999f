"""One shape for every error at every door: application/problem+json (RFC 9457)."""

import json
from collections.abc import Sequence
from functools import cache
from http import HTTPMethod, HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from ..errors import AppError, BodyTooLarge
from .headers import SAFE
from .messages import in_words

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 20


PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457; `code` is a stable word, `detail` names the value, the limit and the way out",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}, "maxItems": MOST_ERRORS},
    },
}
REFUSED = {
    "description": "Refused: the code says why",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def problem(status: int, code: str, title: str, detail: str, **more: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **more}


def answer(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), body["status"], headers, MEDIA_TYPE)


def of_app_error(error: AppError) -> dict[str, Any]:
    return problem(error.status, error.code, error.title, error.detail)


def answer_of(error: AppError) -> Response:
    return answer(of_app_error(error), error.headers)


async def on_app_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return answer_of(error)


def body_too_large(most: int) -> BodyTooLarge:
    """The one sentence of both who find out: by the length that is said, or by counting."""
    return BodyTooLarge(f"the body is over {most:,} bytes (HEADSCOPE_MAX_BODY_BYTES): send a shorter text")


async def on_http_error(request: Request, error: Exception) -> Response:
    """The framework's own: no such path, wrong method, a body that cannot be read."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return answer_of(body_too_large(request.app.state.settings.max_body_bytes))
    phrase = HTTPStatus(error.status_code).phrase
    code = getattr(error, "code", phrase.lower().replace(" ", "_").replace("-", "_"))
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and detail == phrase:
        detail = "nothing is served at this path: /docs lists what is"
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not served at this path: /docs lists what is"
    headers = dict(error.headers) if error.headers else {}
    if "Allow" in headers:
        headers["Allow"] = ", ".join(methods_at(request))  # the framework's own names those of one route alone
    return answer(problem(error.status_code, code, getattr(error, "title", phrase), detail), headers)


def methods_at(request: Request) -> list[str]:
    """Every method that is served at the request's path."""
    routes = request.app.routes
    asked = ({**request.scope, "method": method} for method in HTTPMethod)
    found = [scope["method"] for scope in asked if any(route.matches(scope)[0] is Match.FULL for route in routes)]
    return sorted(str(method) for method in {*found, *(["HEAD"] if "GET" in found else [])})


async def on_invalid_request(_: Request, error: Exception) -> Response:
    """Says where and what is wrong; never echoes the input."""
    assert isinstance(error, RequestValidationError)
    errors = [{"where": place(e["loc"]), "problem": in_words(e)} for e in error.errors()[:MOST_ERRORS]]
    detail = "; ".join(f"{e['where']}: {e['problem']}" for e in errors[:3])
    return answer(problem(422, "invalid_input", "Invalid input", detail, errors=errors))


def place(location: Sequence[Any]) -> str:
    """`body.text`; an unknown field's name is the sender's own and is cut short."""
    return ".".join(str(part)[:40].encode("ascii", "backslashreplace").decode() for part in location)


async def on_bug(_: Request, error: Exception) -> Response:  # noqa: ARG001 - the details belong in the log
    detail = "something went wrong here that should not: the server's log has the details"
    # The framework answers a bug outside of every middleware, so the headers have to come from here.
    return answer(problem(500, "internal_error", "Internal error", detail), SAFE)


def describe(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, with our shape where FastAPI says its own."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    for operations in schema["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = REFUSED
    return schema


def install(app: FastAPI) -> None:
    """Every error of the application, the framework's own among them, is answered, and described, in the one shape."""
    plain = app.openapi
    app.openapi = cache(lambda: describe(plain()))  # type: ignore[method-assign]
    app.add_exception_handler(AppError, on_app_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid_request)
    app.add_exception_handler(Exception, on_bug)
