"""The captures in memory: bounded by bytes and by age. The least recently used are dropped first."""

from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from cachetools import TTLCache

from ..errors import CaptureGone
from .job import Thumbnails

if TYPE_CHECKING:
    from ..analysis.norms import Grams
    from ..capture.capture import Capture


@dataclass(frozen=True)
class CachedCapture:
    """A capture and what has been computed from it.

    expires_at: monotonic seconds
    thumbnails: as last streamed
    grams:      what norms are computed from; empty until the first request for norms
    """

    capture: "Capture"
    expires_at: float
    thumbnails: Thumbnails
    grams: "Grams" = ()

    @property
    def bytes(self) -> int:
        return self.capture.bytes + sum(gram.numel() * gram.element_size() for gram in self.grams)


class CaptureCache:
    """Use it on the event loop only: it has no lock."""

    def __init__(self, max_bytes: int, seconds: float) -> None:
        self.seconds = seconds
        self.cache: TTLCache[str, CachedCapture] = TTLCache(
            max_bytes, seconds, monotonic, getsizeof=lambda cached: cached.bytes
        )

    def find(self, capture_id: str) -> CachedCapture | None:
        found: CachedCapture | None = self.cache.get(capture_id)
        return found

    def get(self, capture_id: str) -> "Capture":
        """Raises CaptureGone."""
        cached = self.find(capture_id)
        if cached is None:
            raise CaptureGone("this capture does not exist or has expired: post the same text again to get the same id")
        return cached.capture

    def add(self, capture: "Capture", thumbnails: Thumbnails) -> None:
        self.cache[capture.id] = CachedCapture(capture, monotonic() + self.seconds, thumbnails)

    def add_grams(self, capture: "Capture", grams: "Grams") -> None:
        """Does nothing if the capture has been dropped. Otherwise its age starts again from 0."""
        cached = self.find(capture.id)
        if cached is not None:
            self.cache[capture.id] = replace(cached, expires_at=monotonic() + self.seconds, grams=grams)

    def expires_in(self, capture_id: str) -> int:
        """Seconds until the capture expires; it is dropped earlier if newer ones need the memory."""
        cached = self.find(capture_id)
        return 0 if cached is None else max(0, round(cached.expires_at - monotonic()))

    def delete(self, capture_id: str) -> None:
        """Raises CaptureGone."""
        self.get(capture_id)
        del self.cache[capture_id]

    def drop_expired(self) -> None:
        self.cache.expire()

    @property
    def bytes(self) -> int:
        return int(self.cache.currsize)

    def __len__(self) -> int:
        return len(self.cache)
