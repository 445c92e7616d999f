"""Clients that read large answers slowly: when memory is short, their answers are ended."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic

# The server waits at least this long for a client, whatever others need.
FAIR_SECONDS = 20.0


class SlowReader:
    """How long the server has waited for one client to read, without the time that computing the answer takes.

    end: makes the answer stop; it may be called in any thread
    """

    def __init__(self, end: Callable[[], object]) -> None:
        self.end = end
        self.spent = 0.0
        self.since: float | None = None

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Within the `with`, the server waits for the client."""
        self.since = monotonic()
        try:
            yield
        finally:
            self.spent, self.since = self.seconds, None

    @property
    def seconds(self) -> float:
        since = self.since
        return self.spent + (0.0 if since is None else monotonic() - since)


class SlowReaders:
    """Any thread may call `end_longest`."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.readers: set[SlowReader] = set()

    @contextmanager
    def reading(self, end: Callable[[], object]) -> Iterator[SlowReader]:
        """Within the `with`, a client reads; `end()` makes it stop. It may be called in any thread."""
        reader = SlowReader(end)
        with self.lock:
            self.readers.add(reader)
        try:
            yield reader
        finally:
            with self.lock:
                self.readers.discard(reader)

    def end_longest(self) -> None:
        """End the answer for whose client the server has waited longest, if that is more than FAIR_SECONDS."""
        with self.lock:
            slowest = max(self.readers, key=lambda reader: reader.seconds, default=None)
            if slowest is None or slowest.seconds < FAIR_SECONDS:
                return
            self.readers.discard(slowest)
        slowest.end()
