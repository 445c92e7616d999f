"""Answers that describe all tokens of a text. Those of a long text are made in a worker, and counted as memory.

Clients that read the same answer at the same time share its bytes.
"""

from collections.abc import AsyncGenerator, Callable, Hashable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from fastapi import Response

from ..engine.event_space import bytes_of_text_event
from ..engine.progress import WorkProgress
from ..engine.runner import Runner
from ..engine.shared_bytes import NO_ROOM, Room, SharedBytes
from ..records import Token
from .responses import STREAM_BYTES, WHOLE_BYTES, HoldingStream
from .serializers import json_response, of_capture
from .streams import slices

if TYPE_CHECKING:
    from ..capture.capture import Capture


async def shared_text(
    runner: Runner, key: Hashable, tokens: Sequence[Token], make: Callable[[], bytes], room: Room = NO_ROOM
) -> SharedBytes:
    """What `make` makes of these tokens in a worker, unless somebody is reading it already. Raises TooLarge, Busy."""

    async def work(_: WorkProgress) -> bytes:
        return await runner.pools.convert_unbounded(make)

    return await runner.shared.get(key, bytes_of_text_event(tokens), work, None, room)


async def respond_capture(
    runner: Runner,
    capture: "Capture",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    room: Room = NO_ROOM,
) -> Response:
    """The description of a capture. Raises TooLarge, Busy."""
    seconds = runner.captures.expires_in(capture.id)
    describe = partial(of_capture, capture, seconds)
    tokens = (*capture.tokens, *capture.tokens_of("target"))
    return await respond_text(
        runner, ("capture", capture.id, capture.stack.name, seconds), tokens, describe, status, headers, room
    )


async def respond_text(
    runner: Runner,
    key: Hashable,
    tokens: Sequence[Token],
    describe: Callable[[], dict[str, Any]],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    room: Room = NO_ROOM,
) -> Response:
    """The description as JSON; as a stream unless it is small. Raises TooLarge, Busy."""
    if bytes_of_text_event(tokens) <= WHOLE_BYTES:
        return json_response(describe(), status, headers)
    made = await shared_text(runner, key, tokens, lambda: orjson.dumps(describe()), room)
    slow = runner.slow_readers if len(made.data) > STREAM_BYTES else None
    length = {"Content-Length": str(len(made.data))}
    return HoldingStream(nullcontext(), parts(made), "application/json", {**length, **(headers or {})}, slow, status)


async def parts(made: SharedBytes) -> AsyncGenerator[bytes, None]:
    """They count as held until the last part has been sent."""
    for part in slices(made):
        yield part
