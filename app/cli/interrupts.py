"""Exiting at once on Ctrl+C, SIGTERM or SIGHUP."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TypeVar, TypeVarTuple

from .messages import show_status
from .signals import handled

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


def run_in_thread(work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    """Its result. The main thread only waits, so that a signal ends the command at once, whatever the work does."""
    return ThreadPoolExecutor(1).submit(work, *arguments).result()


class Interrupted(KeyboardInterrupt):
    """Carries the exit status."""


def interrupt(number: int, _: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # a second signal must not interrupt the cleanup
    raise Interrupted(128 + number)


@contextmanager
def quiet_exit() -> Iterator[None]:
    """For a server that starts: Ctrl+C, SIGTERM and the end of the terminal exit with status 0, also during imports."""
    with handled(lambda *_: os._exit(0)):
        yield


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl+C, SIGTERM and the end of the terminal clean up and exit at once, without waiting for threads or for an
    import of torch."""
    with handled(interrupt):
        try:
            yield
        except Interrupted as interrupted:
            show_status("")
            os._exit(interrupted.args[0])
