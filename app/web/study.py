"""What all studies of a capture share: answered whole, or as events that say how far they are."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, TypeVarTuple

from fastapi import Depends, Query, Request, Response
from fastapi.sse import format_sse_event

from ..engine.worker_pool import GoOn
from ..errors import AppError
from ..export.formats import Answer, pieces
from ..export.negotiation import by_preference, check_cells, format_of
from ..records import Format
from .deps import ARRAYS, FORMATS, Accept, Streamed, TheRunner, TheSettings, respond, tag, unchanged, while_connected
from .problems import of_app_error
from .streams import EVENTS, event

if TYPE_CHECKING:
    from ..capture.capture import Capture

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {**ARRAYS[200]["content"], EVENTS: {"schema": {"type": "string"}}}}
}


class Study:
    """Who asks for what of which capture. Raises NotAcceptable."""

    def __init__(
        self,
        capture_id: str,
        request: Request,
        runner: TheRunner,
        settings: TheSettings,
        accept: Accept = None,
        format: Annotated[str | None, Query(description="goes before Accept", **FORMATS)] = None,  # noqa: A002 - the wire's name
    ) -> None:
        self.capture_id = capture_id
        self.request, self.runner, self.settings = request, runner, settings
        self.followed = format is None and EVENTS in by_preference(accept or "")
        self.wanted: Format = "json" if self.followed else format_of(accept, format)

    @cached_property
    def capture(self) -> "Capture":
        """Once all that was asked is understood. Raises CaptureGone."""
        return self.runner.captures.get(self.capture_id)

    def check(self, numbers: int, way_out: str) -> None:
        """Raises TooLarge, before any work."""
        check_cells(numbers, self.wanted, self.settings.max_cells, self.settings.max_json_cells, way_out)

    async def answered(
        self,
        answer: Callable[[Result], Answer],
        steps: int,
        work: Callable[[*Arguments, GoOn], Result],
        *arguments: *Arguments,
    ) -> Response:
        """What the work finds, as an answer; of so many steps, before each of which it asks whether to go on."""
        headers = tag(self.request, self.capture.id, self.wanted)
        if same := unchanged(self.request, headers):
            return same
        if self.followed:
            return Streamed(nullcontext(), self.events(answer, steps, work, *arguments), EVENTS)
        found = await while_connected(self.request, self.runner.analyse(steps, work, *arguments))
        response = await respond(self.runner, answer(found), self.wanted)
        response.headers.update(headers)
        return response

    async def events(
        self,
        answer: Callable[[Result], Answer],
        steps: int,
        work: Callable[[*Arguments, GoOn], Result],
        *arguments: *Arguments,
    ) -> AsyncIterator[bytes]:
        """`progress` as often as there is a percent more, then `done` or `error`. Cancelled with its reader."""
        told: asyncio.Queue[int | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def counted(go_on: GoOn) -> Result:
            counting = Counting(go_on, steps, lambda percent: loop.call_soon_threadsafe(told.put_nowait, percent))
            return work(*arguments, counting)

        task = asyncio.create_task(self.runner.analyse(steps, counted))
        task.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while (percent := await told.get()) is not None:
                yield event("progress", {"percent": percent})
            body = b"".join(pieces(answer(task.result()), "json"))
            yield format_sse_event(event="done", data_str=body.decode())
        except AppError as error:
            yield event("error", of_app_error(error))
        finally:
            task.cancel()


class Counting:
    """Asked before each step, it asks on, and tells how many of a hundred parts are done."""

    def __init__(self, go_on: GoOn, steps: int, tell: Callable[[int], object]) -> None:
        self.go_on, self.steps, self.tell = go_on, steps, tell
        self.asked, self.told = 0, -1

    def __call__(self) -> None:
        self.go_on()
        percent = 100 * self.asked // max(1, self.steps)
        self.asked += 1
        if percent > self.told:
            self.told = percent
            self.tell(min(percent, 99))


TheStudy = Annotated[Study, Depends()]
