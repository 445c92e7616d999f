"""The progress bar that huggingface_hub expects, reporting to `Progress`."""

from typing import Self

from ..errors import AppError, DownloadCancelled
from ..records import Progress


def cancelled(downloads: bool) -> DownloadCancelled:
    """The error of a cancelled load, of a model that is downloaded or not."""
    then = "; a new request continues a download where it stopped" if downloads else ""
    return DownloadCancelled(f"the load was cancelled{then}")


class FileProgress:
    """The bytes of one file that have been reported. Called, it returns itself as a tqdm bar of huggingface_hub.

    too_large: raised when there are more than `most` bytes, before they are written
    """

    def __init__(self, progress: Progress, most: int, too_large: AppError) -> None:
        self.progress, self.most, self.too_large = progress, most, too_large
        self.bytes = 0

    def __call__(self, *, initial: int = 0, **_: object) -> Self:
        self.update(initial)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, n: float | None = 1) -> None:
        """Raises `too_large`, and what `Progress.check` raises."""
        self.progress.check()
        self.bytes += int(n or 0)
        if self.bytes > self.most:
            raise self.too_large
        self.progress.step(int(n or 0))

    def close(self) -> None:
        pass
