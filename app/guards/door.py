"""The one door: every request passes the guards in turn, and every answer leaves with headers that keep it safe."""

import time
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import AppError
from ..headers import OF_FILES, SAFE
from ..problems import answer_of
from ..settings import Settings
from .journal import note
from .keys import check_key, check_rate
from .origin import check_host, check_origin
from .size import check_size

FILES = ("/static/", "/vendor/")

Guard = Callable[[Request, Settings], None]

GUARDS: tuple[Guard, ...] = (check_size, check_host, check_origin, check_rate, check_key)


# Browsers take that header from trustworthy origins only, and complain of any other.
PLAIN = {name: value for name, value in SAFE.items() if name != "Cross-Origin-Opener-Policy"}


def headers_of(scope: Scope, settings: Settings) -> dict[str, str]:
    """What the answer to this request tells the browser."""
    if scope["path"].startswith(FILES):
        return OF_FILES
    return PLAIN if settings.shared and scope["scheme"] != "https" else SAFE


class Door:
    """ASGI middleware: an AppError of a guard is the answer. HEAD is answered wherever GET is, without the body."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        headers = headers_of(scope, self.settings)
        began, asked = time.perf_counter(), scope
        bodiless = scope["method"] == "HEAD"
        scope = {**scope, "method": "GET"} if bodiless else scope

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
                note(asked, message["status"], began)
            elif bodiless:
                message = {**message, "body": b""}
            await send(message)

        try:
            for guard in GUARDS:
                guard(Request(scope), self.settings)
        except AppError as error:
            await answer_of(error)(scope, receive, send_safely)
            return
        await self.app(scope, receive, send_safely)
