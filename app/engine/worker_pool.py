"""Bounded worker pools: blocking work runs in threads, never on the event loop."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

from ..errors import Busy, ClientsGone
from ..records import Progress
from .progress import WorkProgress

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


def queue_full(max_waiting: int) -> Busy:
    count = "1 request is" if max_waiting == 1 else f"{max_waiting} requests are"
    return Busy(f"{count} waiting already: try again in a moment")


def without_panics(work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    """The result of the call. A panic of a library in Rust, which is no Exception, becomes a RuntimeError.

    Otherwise it would pass every handler of errors.
    """
    try:
        return work(*arguments)
    except Exception:
        raise
    except BaseException as error:
        raise RuntimeError(f"{type(error).__name__} in a worker thread: {error}") from error


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
        call = partial(without_panics, work, *arguments)
        # A limiter for this call alone: anyio's default one is left to the framework, for static files and pages.
        alone = CapacityLimiter(1)
        thread = asyncio.create_task(to_thread.run_sync(call, limiter=alone, abandon_on_cancel=self.abandon))
        thread.add_done_callback(partial(self.release, borrower))
        # A cancelled caller returns at once, but a thread cannot be stopped from outside. The worker is free again only
        # when the thread has ended, because until then it still uses the model.
        await asyncio.wait({thread})
        try:
            return thread.result()
        finally:
            del thread  # the frame would be part of a cycle of references: error, frame, task, error

    def release(self, borrower: object, thread: "asyncio.Task[Result]") -> None:
        self.workers.release_on_behalf_of(borrower)
        if not thread.cancelled():
            thread.exception()  # retrieved even if nobody awaits the result, or asyncio would log it
