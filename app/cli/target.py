"""Where a dump goes: stdout, or a file that is there whole or not at all."""

import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from ..records import DumpFormat, TableFormat
from .flags import leave

STDOUT = "-"
DUMPS: tuple[DumpFormat, ...] = ("json", "npz", "safetensors", "csv")
TABLES: tuple[TableFormat, ...] = ("json", "csv", "parquet")
BINARY = ("npz", "safetensors", "parquet")
Kind = TypeVar("Kind", bound=str)


def format_for(output: str, named: Kind | None, known: Sequence[Kind]) -> Kind:
    """The format that is named, else that of the file's ending, else json on stdout. Leaves where it cannot be."""
    ending = "json" if output == STDOUT else Path(output).suffix.lower().removeprefix(".")
    wanted = named or next((kind for kind in known if kind == ending), None)
    if wanted is None:
        leave(f"{output}: end it in {', '.join(f'.{kind}' for kind in known)}, or say --format")
    if output == STDOUT and wanted in BINARY and sys.stdout.isatty():
        leave(f"{wanted} is nothing for a terminal to show: say -o FILE.{wanted}")
    return wanted


@contextmanager
def opened(output: str) -> Iterator[BinaryIO]:
    """Raises OSError; leaves where there is no such folder."""
    path = Path(output).resolve()
    if output == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():
        with path.open("wb") as file:  # a device or a pipe is written to, never replaced
            yield file
    elif not path.parent.is_dir():
        leave(f"{output}: there is no folder {path.parent}")
    else:
        with replacing(path) as file:
            yield file


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside the target that takes its name once it is whole."""
    part = path.with_name(f".headscope-{secrets.token_hex(4)}.part")
    try:
        try:
            file = part.open("xb")
        except OSError as error:
            error.filename = str(path)  # the one that the user named
            raise
        with file:
            yield file
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
