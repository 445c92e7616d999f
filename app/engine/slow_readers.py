"""Clients that have been reading a large answer for long: when memory is short, their answers are ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

# A client gets at least this long, whatever others need.
FAIR_SECONDS = 20.0


class SlowReaders:
    """Any thread may call `end_longest`."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.ends: dict[float, Callable[[], object]] = {}

    @contextmanager
    def reading(self, end: Callable[[], object]) -> Iterator[None]:
        """Within the `with`, a client reads; `end()` makes it stop. It may be called in any thread."""
        since = monotonic()
        with self.lock:
            while since in self.ends:
                since += 1e-6
            self.ends[since] = end
        try:
            yield
        finally:
            with self.lock:
                self.ends.pop(since, None)

    def end_longest(self) -> None:
        """End the answer that has been read for longest, if that is more than FAIR_SECONDS."""
        with self.lock:
            since = min(self.ends, default=None)
            if since is None or monotonic() - since < FAIR_SECONDS:
                return
            end = self.ends.pop(since)
        end()
