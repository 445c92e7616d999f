"""A capture while it is made: what there is of it so far, who waits for it, and what stops it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from threading import Event
from time import monotonic
from types import NoneType
from typing import TYPE_CHECKING, Any

from ..capture.cost import Cost
from ..errors import AppError, Deadline, InvalidInput, Stopped, Stopping, TooLarge
from ..records import ModelCard, Token

if TYPE_CHECKING:
    from ..capture.capture import Capture
    from ..capture.layer import LayerCapture

# How a run may end, and what it raises then.
ENDS: dict[str, type | tuple[type, ...]] = {
    "finished": NoneType,
    "stopped": (Stopped, Stopping),
    "deadline": Deadline,
    "refused": InvalidInput,
    "failed": BaseException,
}


# What was told of a layer, by its number, cells and bend.
Small = dict[tuple[int, int, str], dict[str, Any]]
# Larger ones take more memory than the time they took is worth.
SMALL_CELLS = 64


@dataclass(eq=False)
class Making:
    """One run of a model. Written on the event loop alone; the thread that runs the model calls `watch`.

    position: how many other runs go before it
    layers:   those that are done, in order
    small:    its heads as they were told, for the next who asks
    """

    card: ModelCard
    position: int = 0
    tokens: tuple[Token, ...] = ()
    dropped: int = 0
    cost: Cost | None = None
    layers: "list[LayerCapture]" = field(default_factory=list)
    small: Small = field(default_factory=dict)
    followers: int = 0
    why: AppError = field(default_factory=Stopped)  # it was stopped, if it was
    stopped: Event = field(default_factory=Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Future[Capture]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @classmethod
    def of(cls, capture: "Capture", small: Small) -> "Making":
        """Of a capture that there is already."""
        made = cls(capture.card, 0, capture.tokens, capture.dropped, layers=list(capture.layers), small=small)
        made.task.set_result(capture)
        return made

    def begin(self, task: "asyncio.Task[Capture]") -> None:
        self.task = task
        task.add_done_callback(lambda _: self.update())

    def update(self, **news: Any) -> None:
        """Note what is new, and wake all who follow."""
        for name, value in news.items():
            setattr(self, name, value)
        self.changed.set()
        self.changed = asyncio.Event()

    def add(self, layer: "LayerCapture") -> None:
        self.layers.append(layer)
        self.update()

    def remember(self, number: int, cells: int, bend: str, told: dict[str, Any]) -> None:
        """Of one size alone: whoever asks for many would fill the memory."""
        if any(key[1:] != (cells, bend) for key in self.small):
            self.small.clear()
        if cells <= SMALL_CELLS:
            self.small[number, cells, bend] = told

    @property
    def how(self) -> str:
        """One of ENDS, once it has ended."""
        error = self.why if self.task.cancelled() else self.task.exception()
        return next(how for how, kinds in ENDS.items() if isinstance(error, kinds))

    async def news(self) -> AsyncIterator[None]:
        """Once now, then each time that something is new, and once more when the run has ended."""
        while True:
            changed, ended = self.changed, self.task.done()
            yield
            if ended:
                return
            await changed.wait()

    async def end(self) -> "Capture":
        """The capture. Raises what the run came to."""
        try:
            return await asyncio.shield(self.task)  # one caller's leaving must not stop those who joined
        except asyncio.CancelledError:
            if self.task.cancelled():
                raise self.why from None
            raise

    def stop(self, why: AppError) -> None:
        """At once for whoever waits; the thread, if it has come to that, at its next block."""
        if not self.task.done():
            self.why = why
            self.stopped.set()
            self.task.cancel()

    @contextmanager
    def followed(self) -> Iterator[None]:
        """Within the `with`, somebody waits for it. Once nobody does any more, it stops at its next block."""
        self.followers += 1
        try:
            yield
        finally:
            self.followers -= 1
            if not self.followers:
                self.stop(Stopped("nobody waits for this text any more"))


class Watch:
    """What the thread that runs the model tells of, and asks before each block whether to go on."""

    def __init__(self, making: Making, seconds: float, cost_of: Callable[[int], Cost]) -> None:
        self.making, self.loop = making, asyncio.get_running_loop()
        self.seconds, self.begun, self.cost_of = seconds, inf, cost_of

    def go_on(self) -> None:
        """Raises why it was stopped, Deadline."""
        if self.making.stopped.is_set():
            raise self.making.why
        if monotonic() > self.begun + self.seconds:
            done = f"{len(self.making.layers)} of {self.making.card.layers} layers"
            raise Deadline(
                f"{done} were done after {self.seconds:g} s: shorten the text, or raise HEADSCOPE_RUN_SECONDS"
            )

    def tokenized(self, tokens: tuple[Token, ...], dropped: int) -> None:
        """Raises TooLarge, before anything is run."""
        self.begun = monotonic()  # waiting for others is not held against it
        cost = self.cost_of(len(tokens))
        if not cost.fits:
            raise TooLarge(
                f"the capture of {cost.tokens:,} tokens by {self.making.card.id} takes {cost.bytes:,} bytes, "
                f"HEADSCOPE_MAX_CAPTURE_BYTES is {cost.limit:,}: shorten the text to {cost.most_tokens:,} tokens, "
                "or raise it (HEADSCOPE_CAPTURE_DTYPE=float16 halves what a capture takes)"
            )
        self.loop.call_soon_threadsafe(lambda: self.making.update(tokens=tokens, dropped=dropped, cost=cost))

    def captured(self, layer: "LayerCapture") -> None:
        self.loop.call_soon_threadsafe(self.making.add, layer)
