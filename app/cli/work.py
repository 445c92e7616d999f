"""What commands that run a model share: their text, how they wait, and how they end when they are stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

from ..errors import AppError
from .flags import FAILED, leave, status_of

Result = TypeVar("Result")
STDIN = "-"


def text_of(said: str) -> str:
    """The text that is named on the command line, or that of stdin."""
    return from_stdin() if said == STDIN else characters("the text", said)


def characters(name: str, said: str) -> str:
    """Python gives bytes of an argument that are no characters as halves of surrogate pairs."""
    try:
        said.encode()
    except UnicodeEncodeError:
        leave(f"{name} is not UTF-8")
    return said


def from_stdin() -> str:
    """Without the line end that `echo` puts behind every text."""
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        leave(f"byte {error.start} of stdin is not UTF-8")


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Its result. Not asyncio.run(), which after Ctrl+C waits for the thread that reads or runs the model."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def tell(word: str) -> None:
    """What is being done, on one line of the terminal; nowhere else."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{word}")
        sys.stderr.flush()


@contextmanager
def failing(output: str) -> Iterator[None]:
    """What goes wrong is said in one line; that the reader of a pipe has enough is not wrong."""
    try:
        yield
    except AppError as error:
        tell("")
        leave(error.detail, status_of(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        tell("")
        leave(f"{error.filename or output}: {error.strerror or error}", FAILED)


class Stopped(KeyboardInterrupt):
    """Carries the status to leave with. An event loop lets no other exception of a signal through."""


def stop(number: int, _: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # tidying up is not to be stopped in its turn
    raise Stopped(128 + number)


@contextmanager
def stoppable() -> Iterator[None]:
    """Ctrl+C and SIGTERM leave at once, what was begun removed: an import of torch would hold them up for seconds."""
    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Stopped as stopped:
        tell("")
        os._exit(stopped.args[0])
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
