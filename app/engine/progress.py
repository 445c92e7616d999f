"""The progress of work in a thread: written by the work, read and stopped from other threads."""

from collections.abc import Callable
from copy import copy
from math import inf
from time import monotonic

from ..errors import AppError, Deadline


class StepAside(Exception):
    """There is no memory for the work now, and other work waits for its worker."""


class WorkProgress:
    """Implements `records.Progress` for runs, analyses and downloads.

    seconds:    the deadline, in seconds of work
    unit:       the name of a step, for the error message
    way_out:    what to do at the deadline, for the error message
    on_percent: called in the thread of the work each time a further percent, below 100, is done
    done, total: steps; `total` is None until the work knows it
    others_wait: whether other work waits for the same worker
    """

    def __init__(
        self,
        seconds: float = inf,
        unit: str = "steps",
        on_percent: Callable[[int], object] | None = None,
        *,
        way_out: str = "shorten the text, or raise HEADSCOPE_RUN_SECONDS",
    ) -> None:
        self.way_out = way_out
        self.seconds, self.unit, self.on_percent = seconds, unit, on_percent
        self.started_at: float | None = None
        self.spent = 0.0
        self.done = 0
        self.total: int | None = None
        self.percent = -1
        self.error: AppError | None = None
        self.others_wait: Callable[[], bool] = bool
        self.short_since: float | None = None

    def start(self) -> None:
        """Start the clock: called when the work begins, not while it waits in a queue."""
        self.started_at = monotonic()

    def pause(self) -> None:
        """Stop the clock until the next `start`."""
        self.spent, self.started_at = self.elapsed, None

    @property
    def elapsed(self) -> float:
        """Seconds of work so far."""
        return self.spent + (0.0 if self.started_at is None else monotonic() - self.started_at)

    def stop(self, error: AppError) -> None:
        """Make the next `check` raise `error`. The first error is kept."""
        self.error = self.error or error

    def check(self) -> None:
        """Raises the error given to `stop`, or Deadline."""
        if self.error is not None:
            raise copy(self.error)  # a raised error refers to frames, and these to this progress
        if self.elapsed > self.seconds:
            of_total = "" if self.total is None else f" of {self.total:,}"
            raise Deadline(f"{self.done:,}{of_total} {self.unit} were done after {self.seconds:g} s: {self.way_out}")

    def give_way(self) -> None:
        self.check()
        if self.short_since is None:
            self.short_since = monotonic()
        if self.others_wait():
            raise StepAside

    def patience(self, seconds: float) -> float:
        return seconds if self.short_since is None else max(0.0, self.short_since + seconds - monotonic())

    def expect(self, total: int) -> None:
        self.total = total
        self.report()

    def step(self, count: int = 1) -> None:
        self.done += count
        self.report()

    def report(self) -> None:
        percent = min(99, 100 * self.done // max(1, self.total or 1))
        if self.on_percent is not None and percent > self.percent:
            self.percent = percent
            self.on_percent(percent)
