"""What every route shares: the runner, the settings, and an array answer in the format asked for."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AbstractContextManager
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ..engine.runner import Runner
from ..errors import InvalidWindow, NotAcceptable, Stopped
from ..export.formats import Answer, in_lumps, pieces
from ..export.negotiation import MEDIA_TYPES, encode, format_of
from ..records import Format
from ..settings import Settings

Result = TypeVar("Result")

# What `span` and `format_of` check, for the schema: their own words on what is wrong are better than its.
SPAN: dict[str, Any] = {"json_schema_extra": {"pattern": "^([0-9]{1,9}):([0-9]{1,9})$"}}
FORMATS: dict[str, Any] = {"json_schema_extra": {"enum": [*MEDIA_TYPES, None]}}
# What an array answer can be besides JSON, for the schema.
ARRAYS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in list(MEDIA_TYPES.values())[1:]
        }
    }
}
TRUNCATE = "cut a text that is too long, and say by how much, where it would be refused otherwise"


def runner_of(request: Request) -> Runner:
    runner: Runner = request.app.state.runner
    return runner


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


# The schema says by its media types what can be accepted; a parameter of this name is one it forbids.
Accept = Annotated[str | None, Header(include_in_schema=False)]


def wanted_format(
    accept: Accept = None,
    format: Annotated[str | None, Query(description="goes before Accept", **FORMATS)] = None,  # noqa: A002 - the wire's name
) -> Format:
    return format_of(accept, format)


def only_json(accept: Accept = None) -> None:
    """Raises NotAcceptable where the client takes no JSON: silence about an event stream would look like one."""
    try:
        served = format_of(accept, None) == "json"
    except NotAcceptable:
        served = False
    if not served:
        raise NotAcceptable("this is served as application/json alone")


TheRunner = Annotated[Runner, Depends(runner_of)]
TheSettings = Annotated[Settings, Depends(settings_of)]
Wanted = Annotated[Format, Depends(wanted_format)]


def span(name: str, text: str | None) -> tuple[int, int] | None:
    """`a:b` -> (a, b). Raises InvalidWindow."""
    if text is None:
        return None
    parts = re.fullmatch(SPAN["json_schema_extra"]["pattern"], text)
    if parts is None:
        raise InvalidWindow(f"{name}={text[:40]!r}: write a:b, from a up to but not including b")
    return int(parts[1]), int(parts[2])


async def respond(runner: Runner, answer: Answer, wanted: Format) -> Response:
    encoded = await runner.read(encode, answer, wanted)
    return Response(encoded.body, 200, {"Vary": "Accept", **encoded.headers}, encoded.media_type)


async def lumps(runner: Runner, answer: Answer, wanted: Format, decimals: int) -> AsyncIterator[bytes]:
    """Each is worked out once the one before it is on its way; who leaves takes no more."""
    made = in_lumps(pieces(answer, wanted, decimals))
    while lump := await runner.read_on(next, made, b""):
        yield lump


class Streamed(StreamingResponse):
    """Within `held` until it is sent, or its client has left: also one that left before the first byte was made."""

    def __init__(
        self,
        held: AbstractContextManager[object],
        content: AsyncIterator[bytes],
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(content, 200, headers, media_type)
        self.held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.held:
            await super().__call__(scope, receive, send)


def tag(request: Request, capture_id: str, wanted: Format) -> dict[str, str]:
    """A capture never changes, so its address and format tell one answer from every other."""
    address = f"{capture_id} {request.url.path}?{request.url.query} {wanted}"
    etag = hashlib.sha256(address.encode()).hexdigest()[:32]
    return {"ETag": f'"{etag}"', "Cache-Control": "private, max-age=3600", "Vary": "Accept"}


def unchanged(request: Request, headers: dict[str, str]) -> Response | None:
    """304, if the client holds this very answer already."""
    held = request.headers.get("if-none-match", "")
    return Response(status_code=304, headers=headers) if headers["ETag"] in held else None


async def leaving(request: Request) -> None:
    """Until nobody is there any more; what is left of a body comes before that."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Its result; cancelled as soon as the client has left, which FastAPI does not notice. Raises Stopped."""
    task, left = asyncio.create_task(work), asyncio.create_task(leaving(request))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Stopped("the client has left")
        return task.result()
    finally:
        task.cancel()
        left.cancel()
