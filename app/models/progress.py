"""How far a load is: written by the thread that loads, read by whoever waits."""

from dataclasses import dataclass, field
from threading import Event
from typing import Any, Literal, Self

from ..errors import DownloadCancelled

Stage = Literal["asking", "downloading", "reading"]


@dataclass
class Progress:
    """Bytes of `total` that are here; total is None until the hub has said it."""

    stage: Stage = "asking"
    bytes: int = 0
    total: int | None = None
    cancelled: Event = field(default_factory=Event)

    def go_on(self) -> None:
        """Raises DownloadCancelled."""
        if self.cancelled.is_set():
            raise cancelled()

    def to_dict(self) -> dict[str, Any]:
        return {"stage": self.stage, "bytes": self.bytes, "total": self.total}


def cancelled() -> DownloadCancelled:
    return DownloadCancelled("the download was cancelled; asked for again, it goes on where it stopped")


class Bar:
    """What huggingface_hub moves on while it downloads a file, as it would a tqdm bar."""

    def __init__(self, progress: Progress, *, initial: int = 0, **_: object) -> None:
        self.progress = progress
        self.update(initial)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n: float | None = 1) -> None:
        self.progress.go_on()
        self.progress.bytes += int(n or 0)

    def close(self) -> None:
        pass
