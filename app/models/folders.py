"""The entries of --models-dir: which of them are model folders, and why others cannot be loaded."""

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from errno import ELOOP
from itertools import islice
from pathlib import Path

from .file_names import CONFIG
from .files import kind_of, resolved
from .other_formats import names_of, without_weights

# A plain folder name: no path, and no character with a meaning in a shell or a URL.
FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Further models can still be loaded by name.
MAX_ENTRIES = 1000  # that are listed
MAX_LOOKED_AT = 4000  # of the folders, in the order of their names
MAX_NAMES = 100_000  # that are read, in the order of the file system

BAD_NAME = "its name has to be at most 100 letters, digits, '.', '_' and '-', and to begin with a letter or a digit"
LOOP = "it is a loop of symbolic links"
NO_CONFIG = f"it has no {CONFIG}"


@dataclass(frozen=True)
class FolderEntry:
    """An entry that is meant to be a model.

    folder: where its files are; None if it cannot be loaded
    why:    why it cannot be loaded
    """

    name: str
    folder: Path | None = None
    why: str | None = None


def names_in(top: Path) -> list[str]:
    """The names of the folders and links among the first MAX_NAMES entries of `top`, sorted. Raises OSError."""
    with os.scandir(top) as entries:
        first = islice(entries, MAX_NAMES)
        return sorted(entry.name for entry in first if entry.is_symlink() or entry.is_dir(follow_symlinks=False))


def entries_in(top: Path, offered: Sequence[str] | None = None) -> list[FolderEntry]:
    """The first MAX_ENTRIES entries that are meant to be models, whether or not they can be loaded.

    At most MAX_LOOKED_AT folders are looked at; only those in `offered`, if it is given.
    Empty if `top` cannot be read: it may have been deleted, and all other models still work.
    """
    try:
        names = names_in(top) if offered is None else offered
    except OSError:
        return []
    found = (look_at(top, name) for name in names[:MAX_LOOKED_AT])
    return list(islice((entry for entry in found if entry is not None), MAX_ENTRIES))


def look_at(top: Path, name: str) -> FolderEntry | None:
    """The entry with this name; None if it is no folder, or a folder without a config.json. Raises nothing."""
    try:
        return checked(top, name)
    except RuntimeError:  # Path.resolve, in a loop of symbolic links
        return FolderEntry(name, why=LOOP)
    except OSError as error:
        return FolderEntry(name, why=LOOP if error.errno == ELOOP else f"it cannot be read: {error.strerror}")


def checked(top: Path, name: str) -> FolderEntry | None:
    """Raises OSError, RuntimeError."""
    path = top / name
    try:
        folder = path.resolve(strict=True)
        if not folder.is_dir():
            return None
        config = (folder / CONFIG).stat().st_mode
    except FileNotFoundError:
        return FolderEntry(name, why="it is a link to a place that does not exist") if is_broken_link(path) else None
    if not FOLDER_NAME.fullmatch(name):
        return FolderEntry(name, why=BAD_NAME)
    if not folder.is_relative_to(top.resolve()):
        return FolderEntry(name, why="it is a link to a place outside this folder")
    if not stat.S_ISREG(config):
        return FolderEntry(name, why=f"its {CONFIG} is not a regular file")
    return FolderEntry(name, folder)


def problem_with(folder: Path) -> str | None:
    """Why this is no folder of a model, as far as it shows without reading a file; None if it can be one."""
    modes = {}
    for what, path in (("it", folder), (CONFIG, folder / CONFIG)):
        try:
            modes[what] = resolved(path).stat().st_mode
        except FileNotFoundError:
            return "there is no such folder" if what == "it" else without_config(folder)
        except OSError as error:
            return f"{what} is a loop of symbolic links" if error.errno == ELOOP else f"{what}: {error.strerror}"
        except ValueError:  # a NUL
            return "there is no such folder"
        if what == "it" and not stat.S_ISDIR(modes[what]):
            return "it is not a folder"
    return None if stat.S_ISREG(modes[CONFIG]) else f"{CONFIG} is {kind_of(modes[CONFIG])}, not a regular file"


def without_config(folder: Path) -> str:
    """What a folder without a config.json is instead. Raises nothing."""
    try:
        names = names_of(folder)
    except OSError:  # it cannot be listed
        return NO_CONFIG
    models = sorted(name for name in names if FOLDER_NAME.fullmatch(name) and os.path.lexists(folder / name / CONFIG))
    if models:
        return (
            f"{NO_CONFIG}, but there are models in it, such as {models[0]}: name one of them, or offer all with "
            "--models-dir (in Python, models_dir=)"
        )
    return without_weights(names) or NO_CONFIG


def folder_named(name: str, top: Path) -> Path | None:
    """The folder that a bare name means with this `models_dir`: one in it, or itself. None if it has none."""
    if not FOLDER_NAME.fullmatch(name):
        return None
    if has_config(top):
        return top if top.absolute().name == name else None
    meant = has_config(top / name) or without_config(top / name) != NO_CONFIG
    return top / name if meant else None


def path_meant(model: str) -> Path | None:
    """The path that is meant by this name of a model. None for an id of the hub, which can look like a path."""
    path = Path(model).expanduser()
    return path if model.startswith(("/", ".", "~")) or path.is_absolute() or has_config(path) else None


def has_config(path: Path) -> bool:
    """Whether the folder has an entry of this name, even if it cannot be read, or is a loop of links itself."""
    return os.path.lexists(path / CONFIG) or is_broken_link(path)


def is_broken_link(path: Path) -> bool:
    return path.is_symlink() and not path.exists()
