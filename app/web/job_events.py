"""The events of a run. Clients that follow runs of the same capture share the bytes of each event."""

import base64
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ..engine.capture_job import MAX_CACHED_CELLS, CaptureJob
from ..engine.event_space import bytes_of_layer_event
from ..engine.progress import WorkProgress
from ..engine.runner import Runner
from ..engine.shared_bytes import SharedBytes
from ..records import Bend, Progress, StackCard
from .serializers import of_capture, of_target, of_tokens
from .streams import event, slices
from .text_answers import shared_text

if TYPE_CHECKING:
    from ..capture.capture import Capture
    from ..capture.layer import LayerCapture


async def job_events(
    runner: Runner, job: CaptureJob, cells: int, bend: Bend, stack: StackCard
) -> AsyncGenerator[bytes, None]:
    """`queued` while other jobs run first, `tokens`, one `layer` for each layer of the stack, then `done`.

    Of a target that the model writes: one `token` for each that is written, then `target`.
    """
    tokens_sent, layers_sent, written = False, 0, Written()
    progress = WorkProgress(runner.settings.run_seconds, "layers")  # of the pictures, besides that of the run
    async for _ in job.changes():
        if not job.tokens and not job.task.done():
            yield event("queued", {"position": job.position})
            continue
        if job.tokens and not tokens_sent:
            tokens_sent = True
            key = job.key, stack.name, job.cost, job.dropped, job.is_written
            written.complete = job.complete_target is not None
            for part in slices(await text_event(runner, "tokens", key, job, partial(of_tokens, job, stack))):
                yield part
        for each in written.events(job, stack):
            yield each
        for layer in job.layers[layers_sent:]:
            layers_sent += 1
            if layer.stack != stack.name:
                continue
            for part in slices(await layer_event(runner, job, layers_sent - 1, layer, cells, bend, progress)):
                yield part
    capture = (await job.result()).of_stack(stack.name)
    for part in slices(await done_event(runner, job, capture)):
        yield part


@dataclass
class Written:
    """The events of a target that the model writes.

    sent:     how many of its tokens the client knows; the start token is known
    complete: whether it knows the complete target
    """

    sent: int = 1
    complete: bool = False

    def events(self, job: CaptureJob, stack: StackCard) -> Iterator[bytes]:
        if self.complete or job.target is None:
            return
        for token in job.target.tokens[self.sent :]:
            yield event("token", asdict(token))
            self.sent += 1
        if job.complete_target is not None:
            self.complete = True
            yield event("target", of_target(job, stack))


async def done_event(runner: Runner, job: CaptureJob, capture: "Capture") -> SharedBytes:
    seconds = runner.captures.expires_in(capture.id)
    described = partial(of_capture, capture, seconds)
    return await text_event(runner, "done", (capture.id, capture.stack.name, seconds), job, described)


async def text_event(
    runner: Runner, name: str, key: tuple[Any, ...], job: CaptureJob, describe: Callable[[], dict[str, Any]]
) -> SharedBytes:
    """An event with all tokens of the text."""
    return await shared_text(runner, (name, key), job.all_tokens, lambda: event(name, describe()), job.room)


async def layer_event(
    runner: Runner,
    job: CaptureJob,
    number: int,
    layer: "LayerCapture",
    cells: int,
    bend: Bend,
    progress: WorkProgress,
) -> SharedBytes:
    """Raises Deadline, TooLarge, and Busy if the memory is in use for long."""
    known = job.thumbnails.get((number, cells, bend))
    if known is not None:
        return known

    async def work(progress: WorkProgress) -> bytes:
        pictures = runner.pools.thumbnails
        return await pictures.run_with_progress(progress, thumbnails_event, layer, cells, bend)

    size = bytes_of_layer_event(layer.heads, layer.q.shape[1], layer.k.shape[1], cells)
    key = "layer", job.key, number, cells, bend
    made = await runner.shared.get(key, size, work, progress, job.room)
    if cells > MAX_CACHED_CELLS or runner.shared.keep(made):
        job.cache_thumbnail(number, cells, bend, made)
    return made


def thumbnails_event(layer: "LayerCapture", cells: int, bend: Bend, progress: Progress) -> bytes:
    from ..capture.windows import thumbnails

    maps = thumbnails(layer, cells, bend, progress)
    of_stack = "" if layer.stack == "self" else f'"stack":"{layer.stack}","rows":{maps.shape[1]},'
    head = f'{{"layer":{layer.index},{of_stack}"cells":{maps.shape[-1]},"bend":"{bend}","maps":"'
    encoded = base64.b64encode(cast("Any", maps))
    return b"".join((b"event: layer\ndata: ", head.encode(), encoded, b'"}\n\n'))
