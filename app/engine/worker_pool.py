"""Bounded worker pools: blocking work runs in threads, never on the event loop."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

from ..errors import AppError, Busy, ClientsGone
from ..records import Progress
from .progress import WorkProgress

log = logging.getLogger(__name__)

# In the messages of torch's allocators for the CPU and for devices.
SIGNS_OF_NO_MEMORY = ("can't allocate memory", "out of memory")

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


@dataclass
class Failure:
    """How a call ended in its thread."""

    error: Exception


def queue_full(max_waiting: int) -> Busy:
    count = "1 request is" if max_waiting == 1 else f"{max_waiting} requests are"
    return Busy(f"{count} waiting already: try again in a moment")


def no_memory(error: Exception) -> Busy | None:
    """What clients get where the system, or the device, gives no memory; None for other errors."""
    failed = isinstance(error, MemoryError) or any(sign in str(error) for sign in SIGNS_OF_NO_MEMORY)
    if not failed or isinstance(error, AppError):
        return None
    log.warning("no memory for a piece of work: %s", str(error)[:200])
    return Busy("this machine has not enough memory for that now: shorten the text, or try again later")


def outcome_of_call(work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result | Failure:
    """The result of the call, or its error. Raised in a thread of anyio, the error would be part of a cycle of
    references: error, frame, future, error. What the frames use would stay in memory.

    A panic of a library in Rust, which is no Exception, becomes a RuntimeError: it would pass every handler of errors.
    """
    try:
        return work(*arguments)
    except Exception as error:  # noqa: BLE001 - the caller raises it
        return Failure(no_memory(error) or error)
    except BaseException as error:  # noqa: BLE001 - the same
        panic = RuntimeError(f"{type(error).__name__} in a worker thread: {error}")
        panic.__cause__ = error
        return Failure(panic)


class WorkerPool:
    """Runs at most `workers` calls at once. At most `max_waiting` more wait; further ones raise Busy.

    abandon: the end of the event loop does not wait for the threads, because nothing can stop them at once: a hub that
             does not answer, a file system that hangs
    """

    def __init__(self, workers: int, max_waiting: int, *, abandon: bool = False) -> None:
        self.workers, self.max_waiting, self.abandon = CapacityLimiter(workers), max_waiting, abandon

    @property
    def size(self) -> int:
        """The number of workers."""
        return int(self.workers.total_tokens)

    @property
    def waiting(self) -> int:
        return self.workers.statistics().tasks_waiting

    def check_room(self) -> None:
        """Raises Busy."""
        if self.waiting >= self.max_waiting:
            raise queue_full(self.max_waiting)

    async def run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """The result of the call, once a worker is free. Raises Busy."""
        self.check_room()
        return await self.run_unbounded(work, *arguments)

    async def run_with_progress(
        self, progress: WorkProgress, work: Callable[[*Arguments, Progress], Result], *arguments: *Arguments
    ) -> Result:
        """The same, with `progress` as the last argument, however many calls are waiting.

        Cancelling the caller stops the work at its next check. Raises ClientsGone, Deadline.
        """

        def start() -> Result:
            progress.start()
            try:
                return work(*arguments, progress)
            finally:
                progress.pause()

        try:
            return await self.run_unbounded(start)
        except asyncio.CancelledError:
            progress.stop(ClientsGone("the client has disconnected"))
            raise

    async def run_unbounded(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """The same as `run`, however many calls are waiting: for a response that has already begun."""
        borrower = object()
        await self.workers.acquire_on_behalf_of(borrower)
        call = partial(outcome_of_call, work, *arguments)
        # A limiter for this call alone: anyio's default one is left to the framework, for static files and pages.
        alone = CapacityLimiter(1)
        thread = asyncio.create_task(to_thread.run_sync(call, limiter=alone, abandon_on_cancel=self.abandon))
        thread.add_done_callback(partial(self.release, borrower))
        # A cancelled caller returns at once, but a thread cannot be stopped from outside. The worker is free again only
        # when the thread has ended, because until then it still uses the model.
        await asyncio.wait({thread})
        outcome = thread.result()
        if not isinstance(outcome, Failure):
            return outcome
        try:
            raise outcome.error
        finally:
            del outcome, thread  # the frame would be part of a cycle of references: error, frame, outcome, error

    def release(self, borrower: object, thread: "asyncio.Task[Result | Failure]") -> None:
        self.workers.release_on_behalf_of(borrower)
        if not thread.cancelled():
            thread.exception()  # retrieved even if nobody awaits the result, or asyncio would log it
