"""The captures in memory. The ledger bounds them: the least recently used are dropped first. Old ones expire."""

import weakref
from collections import OrderedDict
from copy import copy
from dataclasses import dataclass, field
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING

from ..errors import CaptureGone
from .capture_job import Thumbnails

if TYPE_CHECKING:
    from ..analysis.norms import Grams
    from ..capture.capture import Capture


@dataclass
class CachedCapture:
    """A capture and what has been computed from it.

    expires_at: monotonic seconds
    thumbnails: as last streamed
    grams:      what norms are computed from; None until the first request for norms
    """

    capture: "Capture"
    expires_at: float
    thumbnails: Thumbnails
    grams: "Grams | None" = None
    readers: "list[weakref.ref[Capture]]" = field(default_factory=list)

    def read(self) -> "Capture":
        """The capture for one reader, who is counted for as long as this copy exists. It shares all tensors."""
        reader = copy(self.capture)
        self.count(reader)
        return reader

    def count(self, reader: "Capture") -> None:
        self.readers = [known for known in self.readers if known() is not None]
        self.readers.append(weakref.ref(reader))

    @property
    def is_read(self) -> bool:
        return any(reader() is not None for reader in self.readers)

    @property
    def bytes(self) -> int:
        return self.capture.bytes + (self.grams.bytes if self.grams else 0)


class CaptureCache:
    """Any thread may use it: the ledger drops captures in the thread that needs memory."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.lock = RLock()
        self.cache: OrderedDict[str, CachedCapture] = OrderedDict()  # the least recently used first

    def find(self, capture_id: str) -> CachedCapture | None:
        with self.lock:
            cached = self.cache.get(capture_id)
            if cached is None:
                return None
            if cached.expires_at <= monotonic():
                del self.cache[capture_id]
                return None
            self.cache.move_to_end(capture_id)
            return cached

    def get(self, capture_id: str) -> "Capture":
        """The capture. The cache keeps it at least as long as the caller does. Raises CaptureGone."""
        with self.lock:
            cached = self.find(capture_id)
            if cached is None:
                raise CaptureGone(
                    "this capture does not exist or has expired: post the same text again to get the same id"
                )
            return cached.read()

    def add(self, capture: "Capture", thumbnails: Thumbnails) -> None:
        """`capture` counts as read until the caller, and all clients that wait for it, have dropped it."""
        cached = CachedCapture(copy(capture), monotonic() + self.seconds, thumbnails)
        cached.count(capture)
        with self.lock:
            self.cache[capture.id] = cached
            self.cache.move_to_end(capture.id)

    def add_grams(self, capture: "Capture", grams: "Grams") -> None:
        """Does nothing if the capture has been dropped. Otherwise its age starts again from 0."""
        with self.lock:
            cached = self.find(capture.id)
            if cached is not None:
                cached.grams, cached.expires_at = grams, monotonic() + self.seconds

    def expires_in(self, capture_id: str) -> int:
        """Seconds until the capture expires; it is dropped earlier if newer ones need the memory."""
        cached = self.find(capture_id)
        return 0 if cached is None else max(0, round(cached.expires_at - monotonic()))

    def delete(self, capture_id: str) -> None:
        """Raises CaptureGone."""
        with self.lock:
            self.get(capture_id)
            del self.cache[capture_id]

    def drop_expired(self) -> None:
        with self.lock:
            for capture_id, cached in list(self.cache.items()):
                if cached.expires_at <= monotonic():
                    del self.cache[capture_id]

    def drop_one(self) -> bool:
        """Drop the least recently used capture that nobody reads. False if there is none."""
        with self.lock:
            idle = next((capture_id for capture_id, cached in self.cache.items() if not cached.is_read), None)
            if idle is not None:
                del self.cache[idle]
            return idle is not None

    @property
    def bytes(self) -> int:
        with self.lock:
            return sum(cached.bytes for cached in self.cache.values())

    def __len__(self) -> int:
        with self.lock:
            return len(self.cache)
