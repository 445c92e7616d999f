"""Where a command writes: stdout, or a file that is written completely or not at all."""

import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar, get_args

from ..records import DumpFormat, TableFormat
from .messages import STDOUT, fail

DUMP_FORMATS: tuple[DumpFormat, ...] = get_args(DumpFormat)
TABLE_FORMATS: tuple[TableFormat, ...] = get_args(TableFormat)
BINARY = ("npz", "safetensors", "parquet")
# What follows the last slash of a name that can only be that of a folder.
NO_FILES = ("", ".", "..")
Name = TypeVar("Name", bound=str)


def format_for(output: str, named: Name | None, known: Sequence[Name]) -> Name:
    """The named format, else that of the file's ending, else json on stdout. Exits if there is none."""
    ending = "json" if output == STDOUT else Path(output).suffix.lower().removeprefix(".")
    chosen = named or next((name for name in known if name == ending), None)
    if chosen is None:
        fail(f"{output}: use the ending {', '.join(f'.{name}' for name in known)}, or give --format")
    if output == STDOUT and chosen in BINARY and sys.stdout.isatty():
        fail(f"{chosen} is binary and cannot be shown in a terminal: give -o FILE.{chosen}")
    return chosen


@contextmanager
def open_output(output: str) -> Iterator[BinaryIO]:
    """Raises OSError; exits if the folder does not exist, or if this can only be the name of a folder."""
    path = resolved(output)
    if output == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():
        with path.open("wb") as file:  # a device or a pipe is never replaced by a file
            yield file
    elif os.path.basename(output) in NO_FILES:  # noqa: PTH119 - pathlib ignores a slash at the end
        fail(f"{output}: this is the name of a folder: add the name of a file")
    elif not path.parent.is_dir():
        fail(f"{output}: there is no folder {path.parent}")
    else:
        with replace_file(path) as file:
            yield file


def resolved(output: str) -> Path:
    """The file that a link leads to. Raises OSError if links lead to each other."""
    with suppress(RuntimeError):  # which Python raises up to version 3.12
        path = Path(output).resolve()
        if not path.is_symlink():
            return path
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), output)


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Writes a temporary file, which replaces the target when it is complete."""
    part = path.with_name(f".headscope-{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except OSError as error:
        if error.filename == str(part):
            error.filename = str(path)  # the name that the user knows
        raise
    finally:
        with suppress(OSError):  # where it could not be created, the reason has been raised
            part.unlink()
