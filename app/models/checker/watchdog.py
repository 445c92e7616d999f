"""Ends a check that takes too long, or that nobody wants any more."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Event, Thread
from time import monotonic

from ...errors import AppError
from ...records import NO_PROGRESS, Progress

SECONDS_BETWEEN_LOOKS = 0.1
WANTED: ContextVar[Progress] = ContextVar("WANTED", default=NO_PROGRESS)
BUILDING: ContextVar[bool] = ContextVar("BUILDING", default=True)


class BuildLater(Exception):
    """The model has to be built in the process for that, which takes seconds."""


@contextmanager
def stoppable(progress: Progress) -> Iterator[None]:
    """Within the `with`, checks of files that this thread asks for end when the progress is stopped.

    They then raise what `progress.check` raises.
    """
    before = WANTED.set(progress)
    try:
        yield
    finally:
        WANTED.reset(before)


@contextmanager
def without_building() -> Iterator[None]:
    """Within the `with`, this thread gets BuildLater where a model would be built to check its config."""
    before = BUILDING.set(False)
    try:
        yield
    finally:
        BUILDING.reset(before)


def check_wanted() -> None:
    """Raises what the progress of `stoppable` raises."""
    WANTED.get().check()


def check_building() -> None:
    if not BUILDING.get():
        raise BuildLater


@contextmanager
def watched(process: "subprocess.Popen[bytes]", seconds: float) -> Iterator[Event]:
    """Within the `with`, the process is killed after that time, or when the check is not wanted any more.

    The event says that it was the time.
    """
    done, too_late = Event(), Event()
    thread = Thread(target=watch, args=(process, seconds, WANTED.get(), done, too_late), daemon=True)
    thread.start()
    try:
        yield too_late
    finally:
        done.set()


def watch(process: "subprocess.Popen[bytes]", seconds: float, wanted: Progress, done: Event, too_late: Event) -> None:
    end = monotonic() + seconds
    while not done.wait(max(0.0, min(SECONDS_BETWEEN_LOOKS, end - monotonic()))):
        if monotonic() >= end:
            too_late.set()
        if too_late.is_set() or not is_wanted(wanted):
            process.kill()
            break


def is_wanted(progress: Progress) -> bool:
    try:
        progress.check()
    except AppError:
        return False
    return True
