"""Where a dump goes: stdout, or a file that is there whole or not at all."""

import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..records import DumpFormat
from .flags import leave

STDOUT = "-"
SUFFIXES: dict[str, DumpFormat] = {".json": "json", ".npz": "npz", ".safetensors": "safetensors", ".csv": "csv"}
BINARY = ("npz", "safetensors")


def format_for(output: str, named: DumpFormat | None) -> DumpFormat:
    """The format that is named, else that of the file's ending, else json on stdout. Leaves where it cannot be."""
    known = "json" if output == STDOUT else SUFFIXES.get(Path(output).suffix.lower())
    wanted = named or known
    if wanted is None:
        leave(f"{output}: end it in {', '.join(SUFFIXES)}, or say --format")
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
