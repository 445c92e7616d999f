"""What requests for a capture share: the capture, the format, ETag and 304, size limits, progress events."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, TypeVarTuple

from fastapi import Depends, Request, Response
from fastapi.sse import format_sse_event

from ..engine.ledger import Reservation, released_on_error
from ..errors import AppError
from ..export.formats import Answer, serialize
from ..export.negotiation import by_preference, check_cells, format_of
from ..records import Format, Progress
from .deps import Accept, FormatQuery, RunnerDep, SettingsDep, on_loop
from .problems import of_app_error
from .requests import CaptureId
from .responses import ARRAYS, cache_headers, reserve_answer, respond, while_connected
from .streams import EVENTS, EventStream, event

if TYPE_CHECKING:
    from ..capture.capture import Capture

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

# For the schema: what an analysis can be answered as besides JSON.
ARRAYS_OR_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {**ARRAYS[200]["content"], EVENTS: {"schema": {"type": "string"}}}}
}


class CaptureContext:
    """A request for something of a capture. Raises NotAcceptable."""

    def __init__(
        self,
        capture_id: CaptureId,
        request: Request,
        runner: RunnerDep,
        settings: SettingsDep,
        accept: Accept = None,
        format: FormatQuery = None,  # noqa: A002 - the query parameter
    ) -> None:
        self.capture_id = capture_id
        self.request, self.runner, self.settings = request, runner, settings
        self.format = self.negotiate(accept, format)

    def negotiate(self, accept: str | None, name: str | None) -> Format:
        return format_of(accept, name)

    @cached_property
    def capture(self) -> "Capture":
        """Looked up at the first use, after the parameters have been checked. Raises CaptureGone."""
        return self.runner.captures.get(self.capture_id)

    @cached_property
    def headers(self) -> dict[str, str]:
        return cache_headers(self.request, self.capture.id, self.format)

    @property
    def not_modified(self) -> Response | None:
        """304 if the client has this answer already."""
        known = self.request.headers.get("if-none-match", "")
        return Response(status_code=304, headers=self.headers) if self.headers["ETag"] in known else None

    def check_size(self, cells: int, way_out: str) -> None:
        """Raises TooLarge, before any work."""
        check_cells(cells, self.format, self.settings.max_cells, self.settings.max_json_cells, way_out)

    def reserve(self, cells: int, at_most: int | None = None) -> Reservation | None:
        """See `reserve_answer`. Raises TooLarge, Busy."""
        return reserve_answer(self.runner.ledger, cells, self.format, self.capture.bytes, at_most)

    async def respond(self, answer: Answer, held: Reservation | None = None) -> Response:
        return await respond(self.runner, answer, self.format, self.headers, held)

    async def respond_window(
        self, cells: int, compute: Callable[[], Awaitable[Answer]], at_most: int | None = None
    ) -> Response:
        """304, or the computed window of that many cells. Raises TooLarge, Busy."""
        if unchanged := self.not_modified:
            return unchanged
        self.check_size(cells, "ask for fewer cells")
        held = self.reserve(cells, at_most)
        with released_on_error(held):
            return await self.respond(await compute(), held)


class AnalysisContext(CaptureContext):
    """A request for an analysis of a whole capture. With `Accept: text/event-stream` it reports its progress.

    streamed: whether the client asked for events
    """

    def negotiate(self, accept: str | None, name: str | None) -> Format:
        self.streamed = name is None and EVENTS in by_preference(accept or "")
        return "json" if self.streamed else format_of(accept, name)

    async def respond_analysis(
        self,
        answer: Callable[[Result], Answer],
        steps: int,
        work: Callable[[*Arguments, Progress], Result],
        *arguments: *Arguments,
    ) -> Response:
        """304, or what `answer` makes of the result of `work(*arguments, progress)`, which takes that many steps."""
        if unchanged := self.not_modified:
            return unchanged
        if self.streamed:
            return EventStream(self.request, nullcontext(), self.events(answer, steps, work, *arguments))
        found = await while_connected(self.request, self.runner.pools.analyse(steps, work, *arguments))
        return await self.respond(answer(found))

    async def events(
        self,
        answer: Callable[[Result], Answer],
        steps: int,
        work: Callable[[*Arguments, Progress], Result],
        *arguments: *Arguments,
    ) -> AsyncGenerator[bytes, None]:
        """`progress` for each percent, then `done` or `error`. The analysis stops when the client disconnects."""
        percents: asyncio.Queue[int | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def report(percent: int) -> None:
            loop.call_soon_threadsafe(percents.put_nowait, percent)

        task = asyncio.create_task(self.runner.pools.analyse(steps, work, *arguments, on_percent=report))
        task.add_done_callback(lambda _: percents.put_nowait(None))
        try:
            while (percent := await percents.get()) is not None:
                yield event("progress", {"percent": percent})
            body = b"".join(serialize(answer(task.result()), "json"))
            yield format_sse_event(event="done", data_str=body.decode())
        except AppError as error:
            yield event("error", of_app_error(error))
        finally:
            task.cancel()


CaptureDep = Annotated[CaptureContext, Depends(on_loop(CaptureContext))]
AnalysisDep = Annotated[AnalysisContext, Depends(on_loop(AnalysisContext))]
