"""The state of a model's files on disk: a change after the load is noticed without reading them again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from os import stat_result
from pathlib import Path

from ..records import Source
from .file_names import CONFIG, INDEX, TOKENIZER, TOKENIZER_OPTIONS, WEIGHTS, files_of

MAX_FILES = 10_000  # that are looked at in a folder
# Also those that are not there: they may appear later.
WATCHED = (CONFIG, TOKENIZER, *TOKENIZER_OPTIONS, WEIGHTS, INDEX)


@dataclass(frozen=True)
class FileState:
    """What tells whether a file has been written or replaced.

    ctime_ns:   unlike mtime_ns, nobody can set it back. None for bundled models: installers link the files of packages
                to each other and remove links, which changes it
    attributes: the mode, the owner, the group and the number of links
    """

    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int | None
    attributes: tuple[int, ...]

    @classmethod
    def of(cls, status: stat_result, source: Source) -> "FileState":
        ctime_ns = None if source == "bundled" else status.st_ctime_ns
        attributes = (status.st_mode, status.st_uid, status.st_gid, status.st_nlink)
        return cls(status.st_size, status.st_mtime_ns, status.st_ino, ctime_ns, attributes)

    def differs(self, now: "FileState") -> bool:
        """Whether the content may be another one now.

        A new ctime counts only if all attributes are the same: changing them, as chmod, a backup with hard links and
        deleting an open file do, sets the ctime as well. What else sets it is rare, such as renaming the file and
        renaming it back. Then the model is shown as changed until somebody reloads it, which changes no number.
        """
        if (self.size, self.mtime_ns, self.inode) != (now.size, now.mtime_ns, now.inode):
            return True
        return self.ctime_ns != now.ctime_ns and self.attributes == now.attributes


FileStates = Mapping[str, FileState | None]


def differ(before: FileStates, now: FileStates) -> bool:
    """Whether a file may have another content now, or is there only in one of both."""
    pairs = [(before.get(name), now.get(name)) for name in {*before, *now}]
    return any((old is None) != (new is None) or bool(old and new and old.differs(new)) for old, new in pairs)


def states_of(folder: Path, source: Source, names: Iterable[str] = WATCHED) -> FileStates:
    """name -> state of each of these files of a model; None for one that is missing or cannot be read."""
    return {name: state_of(folder / name, source) for name in names}


def states_in(folder: Path, source: Source) -> FileStates:
    """name -> state of each file that a model in this folder consists of."""
    try:
        names = {path.name for path in islice(folder.iterdir(), MAX_FILES)}
    except OSError:
        names = set()
    return states_of(folder, source, files_of(names))


def state_of(path: Path, source: Source) -> FileState | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return FileState.of(found, source)
