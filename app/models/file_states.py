"""The state of a model's files on disk: a change after the load is noticed without reading them again."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import stat_result
from pathlib import Path

from ..records import Source

CONFIG, TOKENIZER, WEIGHTS = FILES = ("config.json", "tokenizer.json", "model.safetensors")


@dataclass(frozen=True)
class FileState:
    """What changes whenever a file is written or replaced.

    ctime_ns: of a file in a local folder, where a tool may set the time of the change back. The files of packages and
              of the hub's cache have links, and another link changes it
    """

    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int | None = None

    @classmethod
    def of(cls, status: stat_result, source: Source) -> "FileState":
        ctime_ns = status.st_ctime_ns if source == "local" else None
        return cls(status.st_size, status.st_mtime_ns, status.st_ino, ctime_ns)

    def has_same_content(self, status: stat_result) -> bool:
        """Whether nothing was written. Deleting or linking an open file changes its ctime, but not what is read."""
        return (self.size, self.mtime_ns, self.inode) == (status.st_size, status.st_mtime_ns, status.st_ino)


FileStates = Mapping[str, FileState | None]


def states_of(folder: Path, source: Source) -> FileStates:
    """name -> state of each file of a model; None for one that is missing or cannot be read."""
    return {name: state_of(folder / name, source) for name in FILES}


def state_of(path: Path, source: Source) -> FileState | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return FileState.of(found, source)
