"""Middleware: checks every request before the routes, and adds security headers to every response."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import AppError
from ...settings import Settings
from ..headers import FILE_HEADERS, SECURITY_HEADERS
from ..problems import answer_of
from .keys import check_key, check_rate
from .origin import check_host, check_origin
from .request_log import log_request
from .size import check_size
from .stopping import check_stopping

FILES = ("/static/", "/vendor/")

Check = Callable[[Request, Settings], None]
# Called with the route template, the method, the status and the seconds of each response.
OnResponse = Callable[[str | None, str, int, float], None]

CHECKS: tuple[Check, ...] = (check_size, check_host, check_origin, check_rate, check_key, check_stopping)

# Browsers accept this header only from secure origins, and warn about it elsewhere.
HEADERS_WITHOUT_TLS = {name: value for name, value in SECURITY_HEADERS.items() if name != "Cross-Origin-Opener-Policy"}


def headers_of(scope: Scope, settings: Settings) -> dict[str, str]:
    """The security headers of the response to this request."""
    if scope["path"].startswith(FILES):
        return FILE_HEADERS
    return HEADERS_WITHOUT_TLS if settings.shared and scope["scheme"] != "https" else SECURITY_HEADERS


def route_of(scope: Scope) -> str | None:
    """The template of the matched path, such as /api/v1/captures/{capture_id}; for a file, its folder."""
    folder = next((folder for folder in FILES if scope["path"].startswith(folder)), None)
    return folder or getattr(scope.get("route"), "path", None)


def other_slash(scope: Scope) -> str:
    """The address with or without the slash at its end: where the framework redirects to.

    The framework's own Location begins with the Host header, which anyone can choose.
    """
    path = scope["path"]
    path = path.rstrip("/") if path.endswith("/") else f"{path}/"
    query = scope["query_string"].decode("latin-1")
    address = "/" + quote(path.lstrip("/\\"))  # browsers read // and /\ as the beginning of a host
    return f"{address}?{query}" if query else address


@dataclass
class ResponseSender:
    """Sends a response with security headers, logs it, and leaves out the body of a response to HEAD."""

    scope: Scope
    send_on: Send
    headers: dict[str, str]
    started_at: float = field(default_factory=time.perf_counter)
    status: int = 500  # of a bug: the framework answers it outside of all middleware
    ended: bool = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(self.headers)
            if message["status"] == HTTPStatus.TEMPORARY_REDIRECT:
                headers["location"] = other_slash(self.scope)
            self.status = message["status"]
            log_request(self.scope, self.status, self.started_at)
        elif self.scope["method"] == "HEAD":
            if self.ended:
                return
            self.ended = True  # tells a streaming response to stop
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self.send_on(message)


class ChecksMiddleware:
    """ASGI middleware. If a check raises an AppError, that is the response. HEAD is served wherever GET is."""

    def __init__(self, app: ASGIApp, settings: Settings, on_response: OnResponse) -> None:
        self.app, self.settings, self.on_response = app, settings, on_response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sender = ResponseSender(scope, send, headers_of(scope, self.settings))
        scope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self.respond(scope, receive, sender)
        finally:
            seconds = time.perf_counter() - sender.started_at
            self.on_response(route_of(scope), sender.scope["method"], sender.status, seconds)

    async def respond(self, scope: Scope, receive: Receive, sender: ResponseSender) -> None:
        try:
            request = Request(scope)
            for check in CHECKS:
                check(request, self.settings)
        except AppError as error:
            await answer_of(error)(scope, receive, sender.send)
            return
        try:
            await self.app(scope, receive, sender.send)
        except Exception:
            log_request(sender.scope, 500, sender.started_at)
            raise
