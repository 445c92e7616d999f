"""A job: one capture while it is being made, and the clients that follow it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Any

from ..capture.cost import Cost
from ..errors import AppError, ClientsGone, Deadline, InvalidInput, ShuttingDown
from ..records import ModelCard, Token, TokenizedPrompt
from .progress import WorkProgress

if TYPE_CHECKING:
    from ..capture.capture import Capture
    from ..capture.layer import LayerCapture

# How a job can end -> the errors that it then ends with.
OUTCOMES: dict[str, type | tuple[type, ...]] = {
    "finished": NoneType,
    "stopped": (ClientsGone, ShuttingDown),
    "deadline": Deadline,
    "refused": InvalidInput,
    "failed": BaseException,
}

# (layer, cells, bend) -> the `layer` event of a stream.
Thumbnails = dict[tuple[int, int, str], dict[str, Any]]
# Larger thumbnails take more memory than computing them again is worth.
MAX_CACHED_CELLS = 64


@dataclass(eq=False)
class Job:
    """One run of a model. Its fields are written on the event loop only.

    id:         that of the capture
    position:   how many other jobs run before it
    layers:     those that are captured, in order
    thumbnails: cached for the next follower
    followers:  clients that wait for it
    changed:    set, and replaced by a new event, at each change
    """

    id: str
    card: ModelCard
    progress: WorkProgress = field(default_factory=WorkProgress)
    position: int = 0
    tokens: tuple[Token, ...] = ()
    dropped: int = 0
    cost: Cost | None = None
    layers: "list[LayerCapture]" = field(default_factory=list)
    thumbnails: Thumbnails = field(default_factory=dict)
    followers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    task: "asyncio.Future[Capture]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @classmethod
    def finished(cls, capture: "Capture", thumbnails: Thumbnails) -> "Job":
        """The job of a capture that exists already."""
        job = cls(
            capture.id,
            capture.card,
            tokens=capture.tokens,
            dropped=capture.dropped,
            layers=list(capture.layers),
            thumbnails=thumbnails,
        )
        job.task.set_result(capture)
        return job

    def start(self, task: "asyncio.Task[Capture]") -> None:
        self.task = task
        task.add_done_callback(lambda _: self.update())

    def update(self, **changes: Any) -> None:
        """Set these fields and wake all followers."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.changed.set()
        self.changed = asyncio.Event()

    def report_tokens(self, tokenized: TokenizedPrompt, cost: Cost) -> None:
        """Called in the thread that runs the model."""
        changes = {"tokens": tokenized.tokens, "dropped": tokenized.dropped, "cost": cost}
        self.loop.call_soon_threadsafe(lambda: self.update(**changes))

    def report_layer(self, layer: "LayerCapture") -> None:
        """Called in the thread that runs the model."""
        self.loop.call_soon_threadsafe(self.add_layer, layer)

    def add_layer(self, layer: "LayerCapture") -> None:
        self.layers.append(layer)
        self.update()

    def cache_thumbnail(self, layer: int, cells: int, bend: str, event: dict[str, Any]) -> None:
        """Only one size is cached, so that a client that asks for many cannot fill the memory."""
        if any(key[1:] != (cells, bend) for key in self.thumbnails):
            self.thumbnails.clear()
        if cells <= MAX_CACHED_CELLS:
            self.thumbnails[layer, cells, bend] = event

    @property
    def stop_error(self) -> AppError:
        """Why the job was stopped."""
        return self.progress.error or ClientsGone()

    @property
    def outcome(self) -> str:
        """One of OUTCOMES, once the job has ended."""
        error = self.stop_error if self.task.cancelled() else self.task.exception()
        return next(outcome for outcome, kinds in OUTCOMES.items() if isinstance(error, kinds))

    async def changes(self) -> AsyncIterator[None]:
        """Yields once at the start, after each change, and a last time when the job has ended."""
        while True:
            changed, ended = self.changed, self.task.done()
            yield
            if ended:
                return
            await changed.wait()

    async def result(self) -> "Capture":
        """The capture. Raises the error that the job ended with."""
        try:
            return await asyncio.shield(self.task)  # cancelling one follower must not cancel the job of the others
        except asyncio.CancelledError:
            if self.task.cancelled():
                raise self.stop_error from None
            raise

    def stop(self, error: AppError) -> None:
        """Followers get `error` at once; the thread stops at its next block."""
        if not self.task.done():
            self.progress.stop(error)
            self.task.cancel()

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Counts a follower within the `with`. The job is stopped when the last one leaves."""
        self.followers += 1
        try:
            yield
        finally:
            self.followers -= 1
            if not self.followers:
                self.stop(ClientsGone("all clients that were waiting for this text have disconnected"))
