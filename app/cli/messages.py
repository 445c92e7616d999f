"""What the command writes to stderr, and its exit status."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from ..errors import AppError, InvalidInput, ModelNotFound, TooLarge

STDOUT = "-"
FAILED, MISUSED = 1, 2
# Errors that another command line would avoid.
MISUSES = (InvalidInput, ModelNotFound, TooLarge)


def warn(message: str) -> None:
    typer.echo(f"headscope: {message}", err=True)


def fail(message: str, status: int = MISUSED) -> NoReturn:
    """Print the message and exit."""
    warn(message)
    raise typer.Exit(status) from None


def status_of(error: AppError) -> int:
    return MISUSED if isinstance(error, MISUSES) else FAILED


def show_status(text: str) -> None:
    """Replace the status line of a terminal; an empty text clears it. Without a terminal, nothing is printed."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


@contextmanager
def exit_on_error(output: str) -> Iterator[None]:
    """Prints an error as one line and exits. A closed pipe is not an error."""
    try:
        yield
    except AppError as error:
        show_status("")
        fail(error.detail, status_of(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        show_status("")
        fail(f"{error.filename or ('stdout' if output == STDOUT else output)}: {error.strerror or error}", FAILED)
