"""The captures that are kept: within a number of bytes, for so many seconds, the least recently used gone first."""

from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING

from cachetools import TTLCache

from ..errors import CaptureGone
from .job import Small

if TYPE_CHECKING:
    from ..analysis.norms import Grams
    from ..capture.capture import Capture


@dataclass(frozen=True)
class Kept:
    """A capture, until when (monotonic seconds) it is kept, its heads as they were told, and what its norms are made
    of once somebody has asked for them."""

    capture: "Capture"
    until: float
    small: Small
    grams: "Grams" = ()

    @property
    def bytes(self) -> int:
        return self.capture.bytes + sum(gram.numel() * gram.element_size() for gram in self.grams)


class Captures:
    """Read and written on the event loop alone."""

    def __init__(self, most_bytes: int, seconds: float) -> None:
        self.seconds = seconds
        self.cache: TTLCache[str, Kept] = TTLCache(most_bytes, seconds, monotonic, getsizeof=lambda kept: kept.bytes)

    def find(self, capture_id: str) -> Kept | None:
        found: Kept | None = self.cache.get(capture_id)
        return found

    def get(self, capture_id: str) -> "Capture":
        """Raises CaptureGone."""
        kept = self.find(capture_id)
        if kept is None:
            raise CaptureGone("no such capture, or no longer: post the same text again and it gets the same id")
        return kept.capture

    def keep(self, capture: "Capture", small: Small) -> None:
        self.cache[capture.id] = Kept(capture, monotonic() + self.seconds, small)

    def add_grams(self, capture: "Capture", grams: "Grams") -> None:
        """Unless it is gone by now; it is kept as if it were new."""
        kept = self.find(capture.id)
        if kept is not None:
            self.cache[capture.id] = replace(kept, until=monotonic() + self.seconds, grams=grams)

    def expires_in(self, capture_id: str) -> int:
        """Seconds that the capture is still kept, unless newer ones need its room."""
        kept = self.find(capture_id)
        return 0 if kept is None else max(0, round(kept.until - monotonic()))

    def forget(self, capture_id: str) -> None:
        """Raises CaptureGone."""
        self.get(capture_id)
        del self.cache[capture_id]

    def expire(self) -> None:
        self.cache.expire()

    @property
    def bytes(self) -> int:
        return int(self.cache.currsize)

    def __len__(self) -> int:
        return len(self.cache)
