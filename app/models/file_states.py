"""The state of a model's files on disk: a change after the load is noticed without reading them again."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import stat_result
from pathlib import Path

CONFIG, TOKENIZER, WEIGHTS = FILES = ("config.json", "tokenizer.json", "model.safetensors")


@dataclass(frozen=True)
class FileState:
    """What changes whenever a file is written or replaced."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, status: stat_result) -> "FileState":
        return cls(status.st_size, status.st_mtime_ns, status.st_ino)


FileStates = Mapping[str, FileState | None]


def states_of(folder: Path) -> FileStates:
    """name -> state of each file of a model; None for one that is missing or cannot be read."""
    return {name: state_of(folder / name) for name in FILES}


def state_of(path: Path) -> FileState | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return FileState.of(found)
