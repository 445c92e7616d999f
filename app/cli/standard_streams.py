"""stdin, stdout and stderr that are closed (`>&-`) or cannot be written (`>/dev/full`)."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .messages import FAILED, warn


def open_closed_streams() -> None:
    """Put the null device in place of closed streams: otherwise the next file that is opened, such as a model or a
    socket, would get the number of the stream, and what is printed would be written into it.

    Reading such a stdin and writing such a stdout are errors (it is opened the wrong way around). Messages to a closed
    stderr are dropped.
    """
    for name, access, mode in (("stdin", os.O_WRONLY, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w")):
        if getattr(sys, name) is None:
            # The lowest free number, which is that of the closed stream.
            setattr(sys, name, os.fdopen(os.open(os.devnull, access), mode))


class Messages(io.FileIO):
    """A file in which what cannot be written is dropped."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or len(data)
        except OSError:
            return len(data)


def drop_unreadable_messages() -> None:
    """Let no error of writing stderr (`2>/dev/full`, a closed pipe) replace the error that is reported, or its status.

    A terminal is left as it is: on Windows, Python writes it in another way than files. So is the null device.
    """
    stderr = sys.__stderr__
    if stderr is not None and stderr is sys.stderr and not stderr.isatty():
        file = io.BufferedWriter(Messages(stderr.fileno(), "w", closefd=False))
        sys.stderr = io.TextIOWrapper(file, stderr.encoding, stderr.errors, line_buffering=True)


@contextmanager
def reported_output_errors() -> Iterator[None]:
    """An error of writing stdout is one line and status 1. A reader that has closed the pipe is status 1 alone."""
    try:
        try:
            yield
        except SystemExit as ended:
            if ended.code:  # its reason is already printed
                raise
        sys.stdout.flush()
    except SystemExit:
        try:
            sys.stdout.flush()
        except OSError:
            drop_unwritten()
        raise
    except BrokenPipeError:
        drop_unwritten()
        sys.exit(FAILED)
    except OSError as error:
        drop_unwritten()
        warn(f"{error.filename or 'stdout'}: {error.strerror or error}")
        sys.exit(FAILED)


def drop_unwritten() -> None:
    """Python writes what is left in the buffer of stdout when it exits: to the null device, where no error occurs."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
