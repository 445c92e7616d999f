"""Running a coroutine in the command, and exiting at once on Ctrl+C, SIGTERM or SIGHUP."""

import asyncio
import os
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

from .messages import show_status
from .signals import handled

Result = TypeVar("Result")


def run_coroutine(work: Coroutine[Any, Any, Result]) -> Result:
    """Its result. asyncio.run() would wait, after Ctrl+C, for the thread that loads or runs the model."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


class Interrupted(KeyboardInterrupt):
    """Carries the exit status. An event loop passes on only KeyboardInterrupt from a signal handler."""


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
