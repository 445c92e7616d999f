"""How much of what clients send is parsed in one turn of the event loop."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from time import perf_counter

# A single step takes at most as long again: 16 kB in chunks of one byte, or 32 kB of headers.
TURN_SECONDS = 0.02
# Each step may bring a request, whose handler begins in the next turn.
TURN_STEPS = 16


class ParseTurns:
    """Of all connections together, in one turn: TURN_STEPS or TURN_SECONDS. What is left waits for the next turns.

    Of what waits, the shortest comes first: clients that send much delay only each other.
    """

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int, Callable[[], None]]] = []
        self.order = count()
        self.steps, self.seconds = 0, 0.0

    def run(self, size: int, step: Callable[[], None]) -> bool:
        """Run the step, which parses `size` bytes, now or later; returns whether it was now."""
        if not self.steps:
            asyncio.get_running_loop().call_soon(self.next_turn)
        if self.is_full:
            heappush(self.waiting, (size, next(self.order), step))
            return False
        self.run_now(step)
        return True

    @property
    def is_full(self) -> bool:
        return self.steps >= TURN_STEPS or self.seconds >= TURN_SECONDS

    def run_now(self, step: Callable[[], None]) -> None:
        began = perf_counter()
        self.steps += 1
        try:
            step()
        finally:
            self.seconds += perf_counter() - began

    def next_turn(self) -> None:
        self.steps, self.seconds = 0, 0.0
        try:
            while self.waiting and not self.is_full:
                self.run_now(heappop(self.waiting)[2])
        finally:
            if self.steps:
                asyncio.get_running_loop().call_soon(self.next_turn)
