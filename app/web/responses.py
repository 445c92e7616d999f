"""Responses: whole or streamed arrays, ETags, and the end of work when the client disconnects."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import chain
from typing import Any, TypeVar

from anyio import CancelScope
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from ..engine.ledger import Ledger, Reservation
from ..engine.runner import Runner
from ..engine.slow_readers import SlowReaders
from ..errors import AppError, ClientsGone
from ..export.formats import Answer, batched, serialize, size_of
from ..export.negotiation import MEDIA_TYPES, encode, headers_of
from ..records import Format

log = logging.getLogger(__name__)

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


# Answers up to this size are sent as a whole: no more than a connection's buffers hold.
WHOLE_BYTES = 2**16
# Of an answer that is computed as a whole. JSON may need the numbers and the whole text.
BYTES_PER_CELL: dict[Format, int] = {"json": 24, "npy": 8, "npz": 8, "safetensors": 8}
# What a streamed answer holds while its client reads: a block of rows, and chunks on their way to the socket.
STREAM_BYTES = 2**21


def reserve_answer(
    ledger: Ledger, cells: int, format_: Format, capture_bytes: int, at_most: int | None = None
) -> Reservation | None:
    """The memory of an answer of that many numbers; None if it is small. Raises TooLarge, Busy.

    at_most: bytes that are enough for an answer of any size, because it is computed while it is read
    """
    size = cells * BYTES_PER_CELL[format_]
    if size <= WHOLE_BYTES:
        return None
    size = size if at_most is None else min(size, at_most)
    return ledger.reserve("answers", size, "the answer", "ask for fewer cells", capture_bytes)


async def respond(
    runner: Runner,
    answer: Answer,
    format_: Format,
    headers: Mapping[str, str] | None = None,
    held: Reservation | None = None,
) -> Response:
    """The answer as a whole, or, if memory is `held` for it, as a stream that holds it until the client has read it."""
    if held is None:
        encoded = await runner.pools.convert_unbounded(encode, answer, format_)
        headers = {"Vary": "Accept", **encoded.headers, **(headers or {})}
        return Response(encoded.body, 200, headers, encoded.media_type)
    headers = {"Vary": "Accept", **headers_of(answer, format_), **(headers or {}), **length(answer, format_)}
    chunks = await begun(runner, batched(serialize(answer, format_)))
    slow = runner.slow_readers if held.bytes > STREAM_BYTES else None
    return HoldingStream(held, chunks, MEDIA_TYPES[format_], headers, slow)


def length(answer: Answer, format_: Format) -> dict[str, str]:
    """The header Content-Length, where it is known before the answer is written."""
    size = size_of(answer, format_)
    return {} if size is None else {"Content-Length": str(size)}


async def stream(runner: Runner, chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The chunks of an answer, each computed when the one before has been sent."""
    while chunk := await runner.pools.read_unbounded(next, chunks, b""):
        yield chunk


async def begun(runner: Runner, chunks: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same. The first chunk is computed now, when an error can still be the response."""
    first = await runner.pools.read_unbounded(next, chunks, b"")
    return stream(runner, chain((first,), chunks))


class HoldingStream(StreamingResponse):
    """A streaming response that holds a context manager until it has been sent or its client has disconnected.

    That includes a client that disconnects before the first chunk.

    slow: ends the response when memory is short and its client has kept the server waiting for long
    """

    def __init__(
        self,
        held: AbstractContextManager[object],
        content: AsyncGenerator[bytes, None],
        media_type: str,
        headers: Mapping[str, str] | None = None,
        slow: SlowReaders | None = None,
        status: int = 200,
    ) -> None:
        super().__init__(content, status, headers, media_type)
        self.held, self.slow, self.content = held, slow, content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self.held:
            try:
                await self.respond(scope, receive, send)
            finally:
                with CancelScope(shield=True):
                    await self.content.aclose()  # what it refers to is free now, and not when it is collected

    async def stream_response(self, send: Send) -> None:
        """If it is cancelled, the error refers to no frames: anyio keeps it in a cycle of references, and with it what
        the frames use, such as the bytes of events."""
        try:
            await super().stream_response(send)
        except asyncio.CancelledError as error:
            raise error.with_traceback(None) from None

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.slow is None:
            await super().__call__(scope, receive, send)
            return
        loop, work = asyncio.get_running_loop(), CancelScope()
        with work, self.slow.reading(lambda: loop.call_soon_threadsafe(work.cancel)) as reader:

            async def send_and_measure(message: Message) -> None:
                with reader.waited_for():
                    await send(message)

            await super().__call__(scope, receive, send_and_measure)
        if work.cancelled_caught:
            log.info("memory is short: an answer was ended whose client has read slowly for %.0f s", reader.seconds)


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
        left.cancel()
        if not task.done():
            task.cancel()
            task.add_done_callback(log_bug)
        elif not task.cancelled():
            task.exception()  # retrieved even if this coroutine was cancelled, or asyncio would log it


def log_bug(task: "asyncio.Task[Any]") -> None:
    """For work that nobody waits for any more. It can still end with an error: only a bug is logged."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, AppError):
        log.error("a bug in the work of a client that has disconnected", exc_info=error)
