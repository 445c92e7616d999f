"""What requests for a capture share: the capture, the format, ETag and 304, size limits, progress events."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, TypeVarTuple

from fastapi import Depends, Request, Response

from ..engine.job import Job, Kind
from ..engine.ledger import Reservation, released_on_error
from ..engine.progress import WorkProgress
from ..export.formats import Answer, serialize
from ..export.negotiation import by_preference, check_cells, format_of
from ..records import Format, Progress
from .deps import Accept, FormatQuery, RunnerDep, SettingsDep, on_loop
from .requests import CaptureId, StackQuery
from .responses import ARRAYS, cache_headers, reserve_answer, respond, while_connected
from .streams import EVENTS, EventStream, event, slices, sse

if TYPE_CHECKING:
    from ..capture.capture import Capture

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

# What takes more blocks of weights is a job. One head of 16,384 tokens is 128 blocks: they take half a second.
SHORT_STEPS = 128

# For the schema: what an analysis can be answered as besides JSON.
ARRAYS_OR_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {**ARRAYS[200]["content"], EVENTS: {"schema": {"type": "string"}}}}
}


class CaptureContext:
    """A request for something of a capture. Raises NotAcceptable.

    cells: how many numbers the answer has, if that depends on the request
    """

    cells = 0

    def __init__(
        self,
        capture_id: CaptureId,
        request: Request,
        runner: RunnerDep,
        settings: SettingsDep,
        accept: Accept = None,
        format: FormatQuery = None,  # noqa: A002 - the query parameter
        stack: StackQuery = None,
    ) -> None:
        self.capture_id, self.stack = capture_id, stack
        self.request, self.runner, self.settings = request, runner, settings
        self.format = self.negotiate(accept, format)

    def negotiate(self, accept: str | None, name: str | None) -> Format:
        return format_of(accept, name)

    @cached_property
    def capture(self) -> "Capture":
        """At the stack that is asked for. Looked up at the first use, after the parameters have been checked.

        Raises CaptureGone, UnknownStack.
        """
        return self.runner.captures.get(self.capture_id).of_stack(self.stack)

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
        self.cells = cells
        check_cells(cells, self.format, self.settings.max_cells, self.settings.max_json_cells, way_out)

    def reserve(self, cells: int, at_most: int | None = None) -> Reservation | None:
        """See `reserve_answer`. Raises TooLarge, Busy."""
        return reserve_answer(self.runner.ledger, cells, self.format, self.capture.bytes, at_most)

    @property
    def key(self) -> str:
        """The same for requests that the same work answers, whatever their formats."""
        query = sorted((name, value) for name, value in self.request.query_params.items() if name != "format")
        return f"{self.request.url.path} {query}"

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

    async def read(
        self, kind: Kind, steps: int, work: Callable[[*Arguments, Progress], Result], *arguments: *Arguments
    ) -> Result:
        """The result of `work(*arguments, progress)`: at once if it takes few steps, otherwise as a job.

        It stops at its next step when the client disconnects. Raises Busy, ClientsGone, Deadline.
        """
        if steps <= SHORT_STEPS:
            found = self.runner.pools.read_block_by_block(work, *arguments)
        else:
            found = self.runner.queues.analyse(kind, self.key, steps, work, *arguments).follow()
        return await while_connected(self.request, found)


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
        kind: Kind = "analysis",
        body: str = "",
    ) -> Response:
        """304, or what `answer` makes of the result of `work(*arguments, progress)`, which takes that many steps.

        Requests for the same result at the same time share one job. `body` is that of the request, if it has one.
        """
        if unchanged := self.not_modified:
            return unchanged
        held = self.reserve(self.cells)
        with released_on_error(held):
            job = self.runner.queues.analyse(kind, self.key + body, steps, work, *arguments)
            if self.streamed:
                return EventStream(self.request, followed(job, held), self.events(job, answer))
            found = await while_connected(self.request, job.follow())
            return await self.respond(await self.runner.pools.convert_unbounded(answer, found), held)

    def in_space(self, size: int, work: Callable[[*Arguments], Result]) -> Callable[[*Arguments], Result]:
        """`work`, which holds that many bytes besides its result while it runs. Raises TooLarge."""
        ledger = self.runner.ledger
        cost = size, "the analysis", "shorten the text", self.capture.bytes
        ledger.check(*cost)

        def work_in_space(*arguments: *Arguments) -> Result:
            progress: Any = [*arguments][-1]
            with ledger.reserve_for_job(progress, "analyses", *cost):
                return work(*arguments)

        return work_in_space

    async def events(self, job: Job[Result], answer: Callable[[Result], Answer]) -> AsyncGenerator[bytes, None]:
        """`queued` while other jobs run first, `progress` for each percent, then `done`."""
        sent: tuple[str, dict[str, int]] | None = None
        async for _ in job.changes():
            state = state_of(job)
            if state is not None and state != sent:
                yield event(*state)
            sent = state
        found = await job.result()

        async def work(_: WorkProgress) -> bytes:
            return await self.runner.pools.convert_unbounded(done_event, answer, found)

        for part in slices(await self.runner.shared.get(("analysis", job.key), 0, work)):
            yield part


def state_of(job: Job[Any]) -> tuple[str, dict[str, int]] | None:
    """The event that describes the state of the job now."""
    if job.percent is not None:
        return "progress", {"percent": job.percent}
    return ("queued", {"position": job.position}) if job.position else None


def done_event(answer: Callable[[Result], Answer], found: Result) -> bytes:
    return sse("done", b"".join(serialize(answer(found), "json")))


@contextmanager
def followed(job: Job[Any], held: Reservation | None) -> Iterator[None]:
    with held or nullcontext(), job.followed():
        yield


CaptureDep = Annotated[CaptureContext, Depends(on_loop(CaptureContext))]
AnalysisDep = Annotated[AnalysisContext, Depends(on_loop(AnalysisContext))]
