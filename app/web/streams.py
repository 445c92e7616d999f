"""Event streams: compressed responses, keep-alive comments, and a last event for every error."""

import asyncio
import logging
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractContextManager, aclosing
from typing import Any

import orjson
from anyio import CancelScope
from fastapi import Request

from ..engine.pools import Pools
from ..engine.shared_bytes import SharedBytes
from ..errors import INTERNAL, AppError
from .problems import of_app_error
from .responses import HoldingStream

log = logging.getLogger(__name__)

EVENTS = "text/event-stream"

# Level 1: the higher levels take longer and make base64 of pictures only 1 % smaller. 128 kB take 3 ms.
LEVEL = 1
# A long event is written in slices, so that a client that reads slowly holds a slice and not an event. Whole slices are
# compressed in a worker.
SLICE_BYTES = 2**16
GZIP = 31  # zlib's number for a gzip header and a window of 32 kB


# A line that begins with a colon is a comment, which clients ignore.
KEEP_ALIVE = b": keep-alive\n\n"


class EventStream(HoldingStream):
    """A response of server-sent events, compressed for clients that accept gzip.

    GZipMiddleware would keep events back until it has enough of them; here, each event is sent at once. The headers
    tell proxies not to keep events back either, and comments keep them from closing a stream that is silent.
    """

    def __init__(
        self,
        request: Request,
        held: AbstractContextManager[object],
        events: AsyncGenerator[bytes, None],
        large: bool = True,
    ) -> None:
        """large: whether `held` and the events keep much in memory, such as a capture"""
        # Not "no-store": with it, Chromium aborts a request whose last event was read, and closes its connection.
        headers = {"Vary": "Accept, Accept-Encoding", "Cache-Control": "private, no-cache", "X-Accel-Buffering": "no"}
        events = with_keep_alive(ending_with_problem(events), request.app.state.settings.keep_alive_seconds)
        if "gzip" in request.headers.get("accept-encoding", ""):
            events = compressed(events, request.app.state.runner.pools)
            headers = {**headers, "Content-Encoding": "gzip"}
        super().__init__(held, events, EVENTS, headers, request.app.state.runner.slow_readers if large else None)


async def ending_with_problem(events: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """The events. If an error ends them, the last event is `error` with its problem; a bug is also logged."""
    async with aclosing(events):
        try:
            async for each in events:
                yield each
        except (GeneratorExit, asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            raise
        except AppError as error:
            yield event("error", of_app_error(error))
        except BaseException:  # a panic of a library in Rust is no Exception
            log.exception("a bug has ended an event stream")
            yield event("error", of_app_error(AppError(INTERNAL)))


async def with_keep_alive(events: AsyncGenerator[bytes, None], seconds: float) -> AsyncGenerator[bytes, None]:
    """The events, and a comment after each `seconds` without one; never within an event that comes in slices."""
    complete = True

    async def next_event() -> bytes | None:
        return await anext(events, None)

    async with aclosing(events):
        upcoming = asyncio.create_task(next_event())
        try:
            while True:
                if upcoming not in (await asyncio.wait({upcoming}, timeout=seconds if complete else None))[0]:
                    yield KEEP_ALIVE
                elif (found := upcoming.result()) is None:
                    return
                else:
                    yield found
                    complete = found.endswith(b"\n\n")
                    upcoming = asyncio.create_task(next_event())
        finally:
            upcoming.cancel()
            with CancelScope(shield=True):  # a generator cannot be closed while it runs
                await asyncio.gather(upcoming, return_exceptions=True)


async def compressed(chunks: AsyncGenerator[bytes, None], pools: Pools) -> AsyncGenerator[bytes, None]:
    """gzip that can be read up to the end of each chunk."""
    compressor = zlib.compressobj(LEVEL, wbits=GZIP)

    def compress(chunk: bytes) -> bytes:
        return compressor.compress(chunk) + compressor.flush(zlib.Z_SYNC_FLUSH)

    async with aclosing(chunks):
        async for chunk in chunks:
            yield compress(chunk) if len(chunk) < SLICE_BYTES else await pools.convert_unbounded(compress, chunk)
        yield compressor.flush()


def event(name: str, data: dict[str, Any]) -> bytes:
    return sse(name, orjson.dumps(data))


def sse(name: str, data: bytes) -> bytes:
    """The event. JSON has no line breaks, which would have to be escaped."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def slices(shared: SharedBytes) -> Iterator[bytes]:
    """The buffers of a connection hold a slice, not an event."""
    for start in range(0, len(shared.data), SLICE_BYTES):
        yield shared.data[start : start + SLICE_BYTES]
