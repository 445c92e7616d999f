"""Bytes that many clients read at once, such as an event of a run: made once, and in memory once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from ..errors import ClientsGone
from .ledger import POLL_SECONDS, Ledger, Reservation, released_on_error
from .progress import WorkProgress

# What takes no more than the buffers of a connection is not counted.
SMALL_BYTES = 2**16
Work = Callable[[WorkProgress], Awaitable[bytes]]
WHAT, WAY_OUT = "an event of the stream", "ask for fewer cells"


@dataclass(frozen=True)
class Room:
    """Where there is memory for the work.

    space:  reserved for it; other memory is used too, if the space is in use by slow readers
    beside: bytes that the same request holds already
    wait:   whether to wait for memory: what has begun should be finished
    """

    space: Ledger | None = None
    beside: int = 0
    wait: bool = False


NO_ROOM = Room()


@dataclass(eq=False)
class SharedBytes:
    """They count as held until the last reader has dropped this object."""

    data: bytes
    held: Reservation | None


@dataclass(eq=False)
class Making:
    """Bytes that are being made. `readers` wait for them."""

    task: "asyncio.Task[SharedBytes]"
    progress: WorkProgress
    readers: int = 0


class SharedBytesStore:
    """Use it on the event loop only."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.made: WeakValueDictionary[Hashable, SharedBytes] = WeakValueDictionary()
        self.making: dict[Hashable, Making] = {}

    async def get(
        self,
        key: Hashable,
        size: int,
        work: Work,
        progress: WorkProgress | None = None,
        room: Room = NO_ROOM,
    ) -> SharedBytes:
        """What `work(progress)` makes, unless the bytes of this key are being read or made already.

        size:     bytes that the work needs; the result is smaller
        progress: of the work, if it starts here
        The work stops when nobody waits for it any more. Raises TooLarge, Busy, and what the work raises.
        """
        made = self.made.get(key)
        if made is not None:
            return made
        making = self.making.get(key) or self.start(key, size, work, progress or WorkProgress(), room)
        making.readers += 1
        try:
            return await asyncio.shield(making.task)  # cancelling one reader must not cancel the work for the others
        finally:
            making.readers -= 1
            if not making.readers:
                self.stop(key, making)

    def start(self, key: Hashable, size: int, work: Work, progress: WorkProgress, room: Room) -> Making:
        making = Making(asyncio.create_task(self.make(key, size, work, progress, room)), progress)
        making.task.add_done_callback(lambda _: self.forget(key, making))
        self.making[key] = making
        return making

    async def make(self, key: Hashable, size: int, work: Work, progress: WorkProgress, room: Room) -> SharedBytes:
        held = None if size <= SMALL_BYTES else await self.reserve(size, room)
        with released_on_error(held):
            made = SharedBytes(await work(progress), held)
        if held is not None:
            held.shrink(len(made.data))
        self.made[key] = made
        return made

    async def reserve(self, size: int, room: Room) -> Reservation:
        """Raises TooLarge, Busy."""
        space = room.space
        if space is None or size > space.max_bytes:
            self.ledger.check(size, WHAT, WAY_OUT, room.beside)
        shortage = self.ledger.shortage("streams", size, WHAT, self.ledger.job_seconds if room.wait else 0)
        while True:
            held = (space and space.try_reserve("streams", size)) or self.ledger.try_reserve("streams", size)
            if held:
                return held
            next(shortage)
            await asyncio.sleep(POLL_SECONDS)

    def keep(self, shared: SharedBytes) -> bool:
        """Whether the bytes can be kept after their last reader: there must be memory, besides the space of the run."""
        if shared.held is None or shared.held.ledger is self.ledger:
            return True
        held = self.ledger.try_reserve("streams", len(shared.data), drop=False)
        if held is None:
            return False
        shared.held.release()
        shared.held = held
        return True

    def stop(self, key: Hashable, making: Making) -> None:
        """Does nothing if the work has ended."""
        if not making.task.done():
            making.progress.stop(ClientsGone("the client has disconnected"))
            making.task.cancel()
            self.forget(key, making)  # the next request starts the work again

    def forget(self, key: Hashable, making: Making) -> None:
        if self.making.get(key) is making:
            del self.making[key]
        if making.task.done() and not making.task.cancelled():
            making.task.exception()  # retrieved even if nobody waits for it, or asyncio would log it
