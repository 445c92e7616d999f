"""Responses: whole or streamed arrays, ETags, and the end of work when the client disconnects."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ..engine.runner import Runner
from ..errors import ClientsGone
from ..export.formats import Answer, batched, serialize
from ..export.negotiation import MEDIA_TYPES, encode
from ..records import Format

Result = TypeVar("Result")

# For the schema: the media types of an array response besides JSON.
ARRAYS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in list(MEDIA_TYPES.values())[1:]
        }
    }
}


async def respond(
    runner: Runner, answer: Answer, format_: Format, headers: Mapping[str, str] | None = None
) -> Response:
    encoded = await runner.pools.convert(encode, answer, format_)
    return Response(encoded.body, 200, {"Vary": "Accept", **encoded.headers, **(headers or {})}, encoded.media_type)


async def stream(runner: Runner, answer: Answer, format_: Format, decimals: int) -> AsyncIterator[bytes]:
    """The answer in chunks, each computed when the one before has been sent."""
    chunks = batched(serialize(answer, format_, decimals))
    while chunk := await runner.pools.read_unbounded(next, chunks, b""):
        yield chunk


class HoldingStream(StreamingResponse):
    """A streaming response that holds a context manager until it has been sent or its client has disconnected.

    That includes a client that disconnects before the first chunk.
    """

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


def cache_headers(request: Request, capture_id: str, format_: Format) -> dict[str, str]:
    """With an ETag made of the address and the format: a capture never changes."""
    address = f"{capture_id} {request.url.path}?{request.url.query} {format_}"
    etag = hashlib.sha256(address.encode()).hexdigest()[:32]
    return {"ETag": f'"{etag}"', "Cache-Control": "private, max-age=3600", "Vary": "Accept"}


async def disconnected(request: Request) -> None:
    """Returns when the client has disconnected."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of the work, which is cancelled when the client disconnects: FastAPI does not do that.

    Raises ClientsGone.
    """
    task, left = asyncio.create_task(work), asyncio.create_task(disconnected(request))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientsGone("the client has disconnected")
        return task.result()
    finally:
        task.cancel()
        left.cancel()
