"""Event streams: compressed responses, keep-alive comments, and the events of a run.

A run sends its tokens, then thumbnails of the heads of each layer, as soon as the layer is captured.
"""

import asyncio
import base64
import logging
import zlib
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing
from typing import TYPE_CHECKING, Any

import orjson
from anyio import CancelScope
from fastapi import Request

from ..engine.capture_job import CaptureJob
from ..engine.pools import Pools
from ..engine.progress import WorkProgress
from ..engine.runner import Runner
from ..errors import INTERNAL, AppError
from ..records import Bend, Progress
from .problems import of_app_error
from .responses import HoldingStream
from .serializers import of_capture, of_tokens

if TYPE_CHECKING:
    from ..capture.layer import LayerCapture

log = logging.getLogger(__name__)

EVENTS = "text/event-stream"

# Level 1: the higher levels take longer and make base64 of pictures only 1 % smaller. 128 kB take 3 ms.
LEVEL = 1
LARGE = 2**17
GZIP = 31  # zlib's number for a gzip header and a window of 32 kB


# A line that begins with a colon is a comment, which clients ignore.
KEEP_ALIVE = b": keep-alive\n\n"


class EventStream(HoldingStream):
    """A response of server-sent events, compressed for clients that accept gzip.

    GZipMiddleware would keep events back until it has enough of them; here, each event is sent at once. The headers
    tell proxies not to keep events back either, and comments keep them from closing a stream that is silent.
    """

    def __init__(
        self, request: Request, held: AbstractContextManager[object], events: AsyncGenerator[bytes, None]
    ) -> None:
        # Not "no-store": with it, Chromium aborts a request whose last event was read, and closes its connection.
        headers = {"Vary": "Accept, Accept-Encoding", "Cache-Control": "private, no-cache", "X-Accel-Buffering": "no"}
        events = with_keep_alive(ending_with_problem(events), request.app.state.settings.keep_alive_seconds)
        if "gzip" in request.headers.get("accept-encoding", ""):
            events = compressed(events, request.app.state.runner.pools)
            headers = {**headers, "Content-Encoding": "gzip"}
        super().__init__(held, events, EVENTS, headers)


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
    """The events, and a comment after each `seconds` without one."""

    async def next_event() -> bytes | None:
        return await anext(events, None)

    async with aclosing(events):
        upcoming = asyncio.create_task(next_event())
        try:
            while True:
                if upcoming not in (await asyncio.wait({upcoming}, timeout=seconds))[0]:
                    yield KEEP_ALIVE
                elif (found := upcoming.result()) is None:
                    return
                else:
                    yield found
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
            yield compress(chunk) if len(chunk) < LARGE else await pools.convert_unbounded(compress, chunk)
        yield compressor.flush()


def event(name: str, data: dict[str, Any]) -> bytes:
    return sse(name, orjson.dumps(data))


def sse(name: str, data: bytes) -> bytes:
    """The event. JSON has no line breaks, which would have to be escaped."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


async def job_events(runner: Runner, job: CaptureJob, cells: int, bend: Bend) -> AsyncGenerator[bytes, None]:
    """`queued` while other jobs run first, `tokens`, one `layer` for each layer, then `done`."""
    tokens_sent, layers_sent = False, 0
    progress = WorkProgress(runner.settings.run_seconds, "layers")  # of the pictures, besides that of the run
    async for _ in job.changes():
        if not job.tokens and not job.task.done():
            yield event("queued", {"position": job.position})
            continue
        if job.tokens and not tokens_sent:
            tokens_sent = True
            yield event("tokens", of_tokens(job))
        for layer in job.layers[layers_sent:]:
            yield event("layer", await layer_event(runner, job, layers_sent, layer, cells, bend, progress))
            layers_sent += 1
    capture = await job.result()
    yield event("done", of_capture(capture, runner.captures.expires_in(capture.id)))


async def layer_event(
    runner: Runner,
    job: CaptureJob,
    number: int,
    layer: "LayerCapture",
    cells: int,
    bend: Bend,
    progress: WorkProgress,
) -> dict[str, Any]:
    cached = job.thumbnails.get((number, cells, bend))
    if cached is not None:
        return cached
    data = await runner.pools.thumbnails.run_with_progress(progress, thumbnails_of, number, layer, cells, bend)
    job.cache_thumbnail(number, cells, bend, data)
    return data


def thumbnails_of(number: int, layer: "LayerCapture", cells: int, bend: Bend, progress: Progress) -> dict[str, Any]:
    from ..capture.windows import thumbnails

    maps = thumbnails(layer, cells, bend, progress)
    return {"layer": number, "cells": maps.shape[-1], "bend": bend, "maps": base64.b64encode(maps.tobytes()).decode()}
