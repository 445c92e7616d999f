"""Middleware: refuses new texts while the queue is full, before the framework does anything for them.

When many clients send texts at the same time, each refusal waits for those before it. Routing, the dependencies of the
endpoint and the other middleware would take three times as long as the refusal itself.
"""

from collections.abc import Callable
from typing import Any

from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import AppError, Busy
from ..bodies import MAX_STRUCTURE, parse
from ..problems import answer_of
from ..requests import body_model_of, check_media_type


class FullQueueMiddleware:
    """ASGI middleware before the endpoint at `route`, whose body is a prompt.

    is_full:    whether the queue is full
    check_room: raises Busy unless this prompt needs no place in the queue

    All other requests are left to the endpoint, and so are those with anything wrong in their body: it says what.
    """

    def __init__(
        self, app: ASGIApp, route: APIRoute, is_full: Callable[[], bool], check_room: Callable[[Any], None]
    ) -> None:
        self.app, self.route, self.is_full, self.check_room = app, route, is_full, check_room
        self.methods = route.methods or set()
        self.body_model: Any = body_model_of(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.is_checked(scope):
            await self.app(scope, receive, send)
            return
        first = await receive()
        refusal = self.refusal(scope, first)
        if refusal is None:
            await self.app(scope, beginning_with(first, receive), send)
        else:
            scope["route"] = self.route  # it counts for this endpoint
            await answer_of(refusal)(scope, receive, send)

    def is_checked(self, scope: Scope) -> bool:
        """Whether this is a short text for a full queue. Long texts are parsed in a worker, by the endpoint."""
        if scope["type"] != "http" or scope["path"] != self.route.path or scope["method"] not in self.methods:
            return False
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        return self.is_full() and length.isdigit() and int(length[:20]) <= MAX_STRUCTURE

    def refusal(self, scope: Scope, message: Message) -> Busy | None:
        if message["type"] != "http.request" or message.get("more_body", False):
            return None
        try:
            check_media_type(Request(scope))
            self.check_room(self.body_model.model_validate(parse(message["body"])).prompt)
        except Busy as error:
            return error
        except (AppError, HTTPException, ValidationError):
            return None
        return None


def beginning_with(first: Message, receive: Receive) -> Receive:
    """`receive` of a request from which one message has been read already."""
    read = [first]

    async def receive_again() -> Message:
        return read.pop() if read else await receive()

    return receive_again
