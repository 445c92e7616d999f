"""The one door: every request passes the guards in turn, and every answer leaves with headers that keep it safe."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from anyio import move_on_after
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import AppError, BodyTooLarge
from ...settings import Settings
from ..headers import OF_FILES, SAFE
from ..problems import answer_of
from .keys import check_key, check_rate
from .origin import check_host, check_origin
from .request_log import note
from .size import check_size
from .stopping import check_stopping

FILES = ("/static/", "/vendor/")
LINGER_SECONDS = 5

Guard = Callable[[Request, Settings], None]
Tell = Callable[[str | None, str, int, float], None]

GUARDS: tuple[Guard, ...] = (check_size, check_host, check_origin, check_rate, check_key, check_stopping)


# Browsers take that header from trustworthy origins only, and complain of any other.
PLAIN = {name: value for name, value in SAFE.items() if name != "Cross-Origin-Opener-Policy"}


def headers_of(scope: Scope, settings: Settings) -> dict[str, str]:
    """What the answer to this request tells the browser."""
    if scope["path"].startswith(FILES):
        return OF_FILES
    return PLAIN if settings.shared and scope["scheme"] != "https" else SAFE


def route_of(scope: Scope) -> str | None:
    """The template of a path that was matched, such as /api/v1/captures/{capture_id}; of a file, its folder."""
    folder = next((folder for folder in FILES if scope["path"].startswith(folder)), None)
    return folder or getattr(scope.get("route"), "path", None)


async def let_finish(receive: Receive) -> None:
    """Read on for a while, and drop it: most programs hear an answer only once they have sent their body."""
    with move_on_after(LINGER_SECONDS):
        while (await receive()).get("more_body", False):
            pass


@dataclass
class Reply:
    """What leaves through the door: with safe headers, noted in the journal, and of HEAD no body."""

    asked: Scope
    send_on: Send
    headers: dict[str, str]
    began: float = field(default_factory=time.perf_counter)
    status: int = 500  # what the framework answers, outside of every middleware, where nothing else does
    ended: bool = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(self.headers)
            self.status = message["status"]
            note(self.asked, self.status, self.began)
        elif self.asked["method"] == "HEAD":
            if self.ended:
                return
            self.ended = True  # so that whoever makes the rest of the body hears that nobody waits for it
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self.send_on(message)


class Door:
    """ASGI middleware: an AppError of a guard is the answer. HEAD is answered wherever GET is, without the body.

    `tell` hears of every answer: the template of its path if it got so far, its method, status and seconds.
    """

    def __init__(self, app: ASGIApp, settings: Settings, tell: Tell) -> None:
        self.app, self.settings, self.tell = app, settings, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        reply = Reply(scope, send, headers_of(scope, self.settings))
        scope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self.answer(scope, receive, reply)
        finally:
            self.tell(route_of(scope), reply.asked["method"], reply.status, time.perf_counter() - reply.began)

    async def answer(self, scope: Scope, receive: Receive, reply: Reply) -> None:
        try:
            for guard in GUARDS:
                guard(Request(scope), self.settings)
        except AppError as error:
            if isinstance(error, BodyTooLarge) and "expect" not in Headers(scope=scope):
                await let_finish(receive)
            await answer_of(error)(scope, receive, reply.send)
            return
        try:
            await self.app(scope, receive, reply.send)
        except Exception:
            note(reply.asked, 500, reply.began)  # the framework answers a bug outside of every middleware
            raise
