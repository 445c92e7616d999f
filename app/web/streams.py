"""A run as it goes on: its tokens, then each layer's heads, small, as soon as that layer is done."""

import base64
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from fastapi.sse import format_sse_event

from ..engine.job import Making
from ..engine.runner import Runner
from ..errors import AppError
from ..records import Bend
from .problems import of_app_error
from .serializers import of_capture, of_tokens

if TYPE_CHECKING:
    from ..capture.layer import LayerCapture

EVENTS = "text/event-stream"


def event(name: str, data: dict[str, Any]) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(data))


async def events(runner: Runner, making: Making, cells: int, bend: Bend) -> AsyncIterator[bytes]:
    """`queued` while others go first, `tokens`, a `layer` each, then `done`, or `error`."""
    told, sent = False, 0
    try:
        async for _ in making.news():
            if not making.tokens and not making.task.done():
                yield event("queued", {"position": making.position})
                continue
            if making.tokens and not told:
                told = True
                yield event("tokens", of_tokens(making))
            for layer in making.layers[sent:]:
                told_of_it = making.small.get((sent, cells, bend))
                if told_of_it is None:
                    told_of_it = await runner.read_on(small, sent, layer, cells, bend)
                    making.remember(sent, cells, bend, told_of_it)
                yield event("layer", told_of_it)
                sent += 1
        capture = await making.end()
        yield event("done", of_capture(capture, runner.captures.expires_in(capture.id)))
    except AppError as error:
        yield event("error", of_app_error(error))


def small(number: int, layer: "LayerCapture", cells: int, bend: Bend) -> dict[str, Any]:
    from ..capture.windows import thumbnails

    maps = thumbnails(layer, cells, bend)
    return {"layer": number, "cells": maps.shape[-1], "bend": bend, "maps": base64.b64encode(maps.tobytes()).decode()}
