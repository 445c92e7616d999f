"""Work in threads, never on the event loop: so many at once, so many in line."""

import asyncio
from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

from ..errors import Busy, Deadline, Stopped

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")
GoOn = Callable[[], None]


def busy(most_waiting: int) -> Busy:
    return Busy(f"{most_waiting} requests are waiting already: try again in a moment")


class Threads:
    """At most `most` at once; `most_waiting` more may wait until one of them has ended."""

    def __init__(self, most: int, most_waiting: int) -> None:
        self.places, self.most_waiting = CapacityLimiter(most), most_waiting

    @property
    def waiting(self) -> int:
        return self.places.statistics().tasks_waiting

    async def run(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """What it gives, as soon as there is a place. Raises Busy."""
        if self.waiting >= self.most_waiting:
            raise busy(self.most_waiting)
        return await self.run_on(work, *arguments)

    async def run_stoppable(
        self, seconds: float, work: Callable[[*Arguments, GoOn], Result], *arguments: *Arguments
    ) -> Result:
        """The same of work whose last argument it asks now and then whether to go on: that raises Stopped once the
        caller has left, Deadline after so many seconds, waiting aside. Raises Busy."""
        left, ends = Event(), 0.0

        def go_on() -> None:
            nonlocal ends
            ends = ends or monotonic() + seconds
            if left.is_set():
                raise Stopped("nobody waits for this any more")
            if monotonic() > ends:
                raise Deadline(f"not done after {seconds:g} s: shorten the text, or raise HEADSCOPE_RUN_SECONDS")

        try:
            return await self.run(work, *arguments, go_on)
        finally:
            left.set()

    async def run_on(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """The same, however many wait: for who has begun to answer, and can no longer be sent away."""
        place = object()
        await self.places.acquire_on_behalf_of(place)
        thread = asyncio.create_task(to_thread.run_sync(work, *arguments, limiter=CapacityLimiter(1)))
        thread.add_done_callback(lambda _: self.leave(place, thread))
        # Who is cancelled leaves at once, but no thread can be stopped from outside: what it works on, a model above
        # all, is free for the next one when it has ended, and not before.
        await asyncio.wait({thread})
        return thread.result()

    def leave(self, place: object, thread: "asyncio.Task[Result]") -> None:
        self.places.release_on_behalf_of(place)
        if not thread.cancelled():
            thread.exception()  # looked at, also where nobody waits for it any more
