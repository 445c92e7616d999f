"""Open the files of a model: only regular files inside its folder, each opened once and with a limit on its size."""

import hashlib
import os
import re
import stat
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ELOOP
from io import FileIO
from itertools import chain
from pathlib import Path

from ..errors import CorruptModel
from ..records import Source
from .file_names import CONFIG, INDEX, TOKENIZER, TOKENIZER_OPTIONS, VOCABULARIES, WEIGHTS
from .file_states import FileState

# Larger than any file of the supported families.
MAX_VOCABULARY_BYTES = 2**24  # of each file that a tokenizer is built from
MAX_BYTES = {CONFIG: 2**20, TOKENIZER: 2**26, WEIGHTS: 2**36, INDEX: 2**22}
# Without O_NONBLOCK, opening a FIFO waits until somebody writes. Windows has neither links nor FIFOs to protect from.
FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
# With O_PATH, a folder on the way need not be readable.
FOLDER_FLAGS = (
    getattr(os, "O_PATH", os.O_RDONLY)
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
# The cache of the hub names a file after its hash: SHA-256 for large files, that of a git blob for others.
SHA256, GIT_BLOB = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class ModelFolder:
    """The folder of a model, and where it comes from.

    path: of a local model, the path without links that was found when the model was looked up. A link that has replaced
          a part of it since then is not followed.
    Links are followed as long as they stay inside the folder; for the hub, inside the cache of the repository, which
    consists of links. The packages of bundled models are trusted.
    """

    path: Path
    source: Source = "local"

    @property
    def trusted(self) -> bool:
        return self.source == "bundled"

    @property
    def within(self) -> Path:
        """Resolved files have to be in this folder. A model of the hub is in models--OWNER--NAME/snapshots/COMMIT."""
        in_cache = self.source == "hub" and self.path.parent.name == "snapshots"
        return self.path.parent.parent if in_cache else self.path


@dataclass(frozen=True)
class OpenedFile:
    """A regular file that is open, and its state when it was opened.

    sha256: in hexadecimal, where the name of the file in the cache of the hub says it
    """

    name: str
    file: FileIO
    state: FileState
    source: Source
    stored_as: str

    @property
    def sha256(self) -> str | None:
        return self.stored_as if SHA256.fullmatch(self.stored_as) else None

    def read_all(self) -> bytes:
        """The whole file. Raises CorruptModel if it changes meanwhile, or has another hash than in its name."""
        # One byte more than there was shows that the file has grown.
        with reading(self.name), self.file:
            data = b"".join(iter(lambda: self.file.read(2**20), b"")) if self.state.size else b""
            self.check_unchanged(len(data))
        self.check_hash(data)
        return data

    def check_unchanged(self, count: int) -> None:
        """Raises CorruptModel if the file is no longer the one that was opened. `count`: the bytes that were read."""
        now = FileState.of(os.fstat(self.file.fileno()), self.source)
        if count != self.state.size or self.state.differs(now):
            raise CorruptModel(f"{self.name} changed while it was read: load the model again once it is written")

    def check_hash(self, data: bytes) -> None:
        """Raises CorruptModel if the file is named after its hash and has another one."""
        found = None
        if SHA256.fullmatch(self.stored_as):
            found = hashlib.sha256(data).hexdigest()
        elif GIT_BLOB.fullmatch(self.stored_as):
            header = b"blob %d\0" % len(data)
            found = hashlib.sha1(header + data, usedforsecurity=False).hexdigest()
        if found not in (None, self.stored_as):
            raise CorruptModel(
                f"{self.name} in the cache is damaged: its hash is {found}, that of the hub is {self.stored_as}; "
                f"delete {self.stored_as} in the folder blobs, and it is downloaded again"
            )


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Convert the errors of the file system to CorruptModel."""
    try:
        yield
    except OSError as error:
        raise CorruptModel(f"{name} cannot be read: {error.strerror}") from error


def resolved(path: Path) -> Path:
    """The path without links. Raises OSError."""
    try:
        return path.resolve(strict=True)
    except RuntimeError as error:  # in Python 3.11 and 3.12
        raise OSError(ELOOP, "a loop of links") from error


def open_file(folder: ModelFolder, name: str) -> OpenedFile:
    """Raises CorruptModel if there is no such file, or it is no regular file, or outside the folder, or too large."""
    with reading(name):
        try:
            real = resolved(folder.path / name)
        except FileNotFoundError:
            raise missing(folder, name) from None
        within = folder.within if folder.source == "local" else resolved(folder.within)
        if not folder.trusted and not real.is_relative_to(within):
            raise CorruptModel(f"{name} is a link to a file outside the model's folder: copy the file into the folder")
        descriptor = os.open(real, FLAGS) if folder.trusted else descriptor_of(real)
        try:
            state = state_of_open(descriptor, name, folder.source)
        except BaseException:
            os.close(descriptor)
            raise
        file = FileIO(descriptor)
    opened = OpenedFile(name, file, state, folder.source, real.name if folder.source == "hub" else "")
    weakref.finalize(opened, file.close)  # also where a load is abandoned between its steps
    return opened


def missing(folder: ModelFolder, name: str) -> CorruptModel:
    if (folder.path / name).is_symlink():
        return CorruptModel(
            f"{name} is a link to a file that does not exist: replace the link by the file, or remove it if the model "
            "has no such file"
        )
    return CorruptModel(f"{name} is missing: a model folder contains {CONFIG}, {TOKENIZER} and {WEIGHTS}")


def descriptor_of(real: Path) -> int:
    """The descriptor of a file without links in its path; one that appears meanwhile is an error."""
    if os.open not in os.supports_dir_fd:
        return os.open(real, FLAGS)
    root, *folders, name = real.parts
    current = os.open(root, FOLDER_FLAGS)
    for part in folders:
        current = open_below(current, part, FOLDER_FLAGS)
    return open_below(current, name, FLAGS)


def open_below(folder: int, name: str, flags: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    finally:
        os.close(folder)


def state_of_open(descriptor: int, name: str, source: Source) -> FileState:
    """The state of an open file. Raises CorruptModel if it is no regular file, or too large."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise CorruptModel(f"{name} is {kind_of(status.st_mode)}: it has to be a regular file")
    most = most_bytes(name)
    if status.st_size > most:
        raise CorruptModel(f"{name} is {status.st_size:,} bytes: at most {most:,} are read")
    return FileState.of(status, source)


def most_bytes(name: str) -> int:
    """The largest size of a file; each part of divided weights may be as large as weights in one file."""
    if name in {*TOKENIZER_OPTIONS, *chain(*VOCABULARIES)}:
        return MAX_VOCABULARY_BYTES
    return MAX_BYTES.get(name, MAX_BYTES[WEIGHTS])


def kind_of(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
