"""The rate limit of a shared server."""

import time
from collections import deque

from cachetools import TTLCache

SECONDS = 60
# Beyond it, those that have been silent for the longest time are forgotten.
MAX_CLIENTS = 10_000


class Rates:
    """Counts the requests of each client in the last minute, by a clock that nobody can set back."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.times: TTLCache[object, deque[float]] = TTLCache(MAX_CLIENTS, SECONDS, time.monotonic)

    def allow(self, client: object) -> bool:
        """Whether the client may send this request. Only those that it may send are counted."""
        now, times = time.monotonic(), self.times.get(client, deque[float](maxlen=self.limit))
        if len(times) == self.limit and now - times[0] < SECONDS:
            return False
        times.append(now)
        self.times[client] = times  # it expires a minute after the last request
        return True
