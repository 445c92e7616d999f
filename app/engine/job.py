"""A job: work that takes longer than a window, and the clients that wait for its result."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Generic, Literal, TypeVar, get_args

from ..errors import (
    AppError,
    Busy,
    CaptureGone,
    ClientsGone,
    Deadline,
    DownloadCancelled,
    InvalidInput,
    ModelGated,
    ModelNotFound,
    ModelRefused,
    ModelTooLarge,
    ShuttingDown,
    TooLarge,
)
from .progress import WorkProgress

Result = TypeVar("Result")

# run: a capture; window: of a long text; load: of a model, with its download
Kind = Literal["run", "window", "overview", "analysis", "norms", "certificate", "probe", "load"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# How a job can end -> the errors that it then ends with.
OUTCOMES: dict[str, type | tuple[type, ...]] = {
    "finished": NoneType,
    "stopped": (ClientsGone, ShuttingDown, DownloadCancelled),
    "deadline": Deadline,
    "refused": (InvalidInput, TooLarge, Busy, CaptureGone, ModelNotFound, ModelGated, ModelRefused, ModelTooLarge),
    "failed": BaseException,
}


def outcome_of(error: BaseException | None) -> str:
    """One of OUTCOMES."""
    return next(outcome for outcome, kinds in OUTCOMES.items() if isinstance(error, kinds))


def without_frames(task: "asyncio.Future[Result]") -> "asyncio.Future[Result]":
    """The bare result or error of a task that is done.

    A task that failed refers to all frames that its error has passed: what they use would stay in memory.
    """
    ended: asyncio.Future[Result] = task.get_loop().create_future()
    if task.cancelled():
        with suppress(asyncio.CancelledError):
            task.result()  # takes the error out of the task
        ended.cancel()
    elif error := task.exception():
        error.__traceback__ = error.__cause__ = error.__context__ = None
        ended.set_exception(error)
        ended.exception()  # retrieved: nobody may be waiting for it
    else:
        ended.set_result(task.result())
    return ended


@dataclass(eq=False)
class Job(Generic[Result]):
    """Its fields are written on the event loop only.

    key:       two jobs with the same key are the same work: the second caller joins the first
    position:  how many other jobs of its queue are before it
    percent:   how much of the work is done
    followers: clients that wait for it
    changed:   set, and replaced by a new event, at each change
    """

    kind: Kind
    key: str
    progress: WorkProgress = field(default_factory=WorkProgress)
    position: int = 0
    percent: int | None = None
    followers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    task: "asyncio.Future[Result]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def start(self, task: "asyncio.Task[Result]") -> None:
        self.task = task
        task.add_done_callback(lambda _: self.end())

    def end(self) -> None:
        """Replace the task by its bare result or error, and wake all followers."""
        self.task = without_frames(self.task)
        self.progress.on_percent = None  # it refers to this job too
        self.update()

    def update(self, **changes: Any) -> None:
        """Set these fields and wake all followers."""
        for name, value in changes.items():
            setattr(self, name, value)
        self.changed.set()
        self.changed = asyncio.Event()

    def report(self, **changes: Any) -> None:
        """The same, called in the thread of the work."""
        self.loop.call_soon_threadsafe(lambda: self.update(**changes))

    @property
    def stop_error(self) -> AppError:
        """Why the job was stopped."""
        return self.progress.error or ClientsGone()

    @property
    def outcome(self) -> str:
        """One of OUTCOMES, once the job has ended."""
        return outcome_of(self.stop_error if self.task.cancelled() else self.task.exception())

    async def changes(self) -> AsyncIterator[None]:
        """Yields once at the start, after each change, and a last time when the job has ended."""
        while True:
            changed, ended = self.changed, self.task.done()
            yield
            if ended:
                return
            await changed.wait()

    async def result(self) -> Result:
        """The result. Raises the error that the job ended with: a copy, because an error refers to all frames that
        raised it, and these to the job."""
        await asyncio.wait({self.task})  # cancelling one follower does not cancel the job of the others
        error = self.stop_error if self.task.cancelled() else self.task.exception()
        if error is not None:
            raise copy(error)
        return self.task.result()

    def stop(self, error: AppError) -> None:
        """Followers get `error` at once; the thread stops at its next block."""
        if not self.task.done():
            self.progress.stop(error)
            self.task.cancel()

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Counts a follower within the `with`. The job is stopped when the last one leaves, unless another one that has
        joined the job in the same turn of the event loop follows it then."""
        self.followers += 1
        try:
            yield
        finally:
            self.followers -= 1
            self.loop.call_soon(self.stop_if_unfollowed)

    def stop_if_unfollowed(self) -> None:
        if not self.followers:
            self.stop(ClientsGone("all clients that were waiting for this have disconnected"))

    async def follow(self) -> Result:
        """The result, for one more follower. Raises the error that the job ended with."""
        with self.followed():
            return await self.result()
