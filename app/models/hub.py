"""Download a checkpoint from the Hugging Face hub into the cache that all Hugging Face tools share.

huggingface_hub reads HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE and HF_TOKEN. In addition: the size is checked first, only
files that cannot contain code are downloaded, config.json comes before the weights, and a cached checkpoint is used
when the hub cannot be reached.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from huggingface_hub import HfApi, constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import HFValidationError
from huggingface_hub.hf_api import ModelInfo

from ..errors import (
    CorruptModel,
    DiskFull,
    HubUnreachable,
    ModelNotFound,
    ModelTooLarge,
    UnsafeFormat,
    UnsupportedModel,
)
from ..records import Progress
from .file_names import CONFIG, TOKENIZER, WEIGHTS, files_of, weight_files
from .files import most_bytes
from .hub_errors import our_errors
from .hub_limits import COMMIT, Limits, limited, unusable
from .other_formats import pickles_in, without_weights
from .progress import FileProgress

# With plain HTTP, a download can be cancelled between two chunks and resumed. The Xet protocol supports neither.
constants.HF_HUB_DISABLE_XET = True
# With the default of ten megabytes, a slow connection would show no progress for a minute.
constants.DOWNLOAD_CHUNK_SIZE = 2**20

GIGABYTE = 1e9
MAX_SIZE = 2**53  # larger numbers are not exact in JSON

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hub:
    """Settings of downloads. Where a value is None, huggingface_hub's environment variables apply."""

    max_gigabytes: float
    downloads: bool = True
    endpoint: str | None = None
    cache: Path | None = None


@dataclass(frozen=True)
class HubFiles:
    """The files of a revision on the hub, their sizes in bytes, and the commit that it stands for."""

    repo: str
    revision: str
    sizes: dict[str, int]
    commit: str

    @property
    def needed(self) -> list[str]:
        """The smallest files first, since config.json decides whether the rest is needed."""
        return files_of(self.sizes)


def fetch(hub: Hub, repo: str, revision: str | None, progress: Progress, check: Callable[[Path], object]) -> Path:
    """The folder of the checkpoint; it is downloaded if it is not cached. `check` gets the folder with config.json.

    Raises ModelNotFound, ModelGated, HubUnreachable, ModelTooLarge, UnsafeFormat, DiskFull, DownloadCancelled, and
    what `check` raises.
    """
    before = cached(hub, repo, revision)  # a download that fails may already have moved the branch
    if not hub.downloads:
        return before or not_cached(repo)
    try:
        files = list_files(hub, repo, revision)
        check_files(hub, files)
        return download(hub, files, progress, check)
    except (HubUnreachable, DiskFull) as error:
        if before is None:
            raise
        log.warning("the files of %s in the cache are used: %s", repo, error.detail)
        return before


def sizes_of(hub: Hub, repo: str, revision: str | None) -> tuple[int, int]:
    """Bytes of the model's files, and of those that would be downloaded.

    Raises what `fetch` raises before it downloads.
    """
    before = cached(hub, repo, revision)
    if not hub.downloads:
        return total_bytes(before or not_cached(repo)), 0
    try:
        files = list_files(hub, repo, revision)
    except HubUnreachable:
        if before is None:
            raise
        return total_bytes(before), 0
    check_files(hub, files)
    sizes = {name: files.sizes[name] for name in files.needed}
    missing = [size for name, size in sizes.items() if not is_cached(hub, repo, name, files.commit)]
    return sum(sizes.values()), sum(missing)


def not_cached(repo: str) -> NoReturn:
    raise ModelNotFound(f"{repo!r} is not in the cache, and this server does not download models")


def total_bytes(folder: Path) -> int:
    return sum((folder / name).stat().st_size for name in files_of(names_in(folder)))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.exists()}  # not links to a file that was deleted


def list_files(hub: Hub, repo: str, revision: str | None) -> HubFiles:
    with our_errors(repo), limited(Limits(repo)):
        info = HfApi(endpoint=hub.endpoint).model_info(repo, revision=revision, files_metadata=True, timeout=10)
        return HubFiles(repo, revision or "main", listed_sizes(repo, info), listed_commit(repo, info))


def listed_sizes(repo: str, info: ModelInfo) -> dict[str, int]:
    """name -> bytes. Raises HubUnreachable if a size that is needed is no number of bytes."""
    sizes: dict[str, Any] = {file.rfilename: file.size for file in info.siblings or ()}
    for name in files_of(sizes):
        size = sizes.get(name, 0)
        if type(size) is not int or not 0 <= size < MAX_SIZE:
            raise unusable(repo, f"the size of {name} is {repr(size)[:40]}")
    return sizes


def listed_commit(repo: str, info: ModelInfo) -> str:
    if not COMMIT.fullmatch(info.sha or ""):
        raise unusable(repo, f"the commit is {repr(info.sha)[:40]}")
    return str(info.sha)


def check_files(hub: Hub, files: HubFiles) -> None:
    """Raises UnsafeFormat, UnsupportedModel, CorruptModel, ModelTooLarge, before anything is downloaded."""
    if reason := without_weights(files.sizes):
        raise UnsupportedModel(f"{files.repo}: {reason}")
    if not weight_files(files.sizes) and pickles_in(files.sizes):
        raise UnsafeFormat(f"{files.repo} has only pickled weights, which can run code, and no {WEIGHTS}")
    needed = files.needed
    if missing := [name for name in needed if name not in files.sizes]:
        raise CorruptModel(f"{files.repo} has no {missing[0]}: a model needs {CONFIG}, {TOKENIZER} and {WEIGHTS}")
    for name in needed:
        if files.sizes[name] > most_bytes(name):
            raise ModelTooLarge(
                f"{name} of {files.repo} is {files.sizes[name]:,} bytes: at most {most_bytes(name):,} are read"
            )
    size = sum(files.sizes[name] for name in needed) / GIGABYTE
    if size > hub.max_gigabytes:
        limit = f"HEADSCOPE_MAX_DOWNLOAD_GB is {hub.max_gigabytes:g}"
        raise ModelTooLarge(
            f"{files.repo} is a download of {size:.2f} GB, {limit}: raise it, or choose a smaller model"
        )


def download(hub: Hub, files: HubFiles, progress: Progress, check: Callable[[Path], object]) -> Path:
    progress.expect(sum(files.sizes[name] for name in files.needed))
    revision = files.revision
    for name in files.needed:
        progress.check()
        size = files.sizes[name]
        too_large = unusable(files.repo, f"{name} has more than the {size:,} bytes that are listed")
        file_progress = FileProgress(progress, size, too_large)
        with our_errors(files.repo), limited(Limits(files.repo, size, progress.check)):
            path = hf_hub_download(
                files.repo,
                name,
                revision=revision,
                endpoint=hub.endpoint,
                cache_dir=hub.cache,
                tqdm_class=cast("Any", file_progress),
            )
        progress.step(size - file_progress.bytes)  # a cached file has no progress bar
        folder = Path(path).parent
        if name == CONFIG:
            check(folder)
            revision = folder.name  # the commit: the other files come from it even if the branch changes
    return folder


def cached(hub: Hub, repo: str, revision: str | None) -> Path | None:
    """The folder in the cache, if all files are there."""
    try:
        found = try_to_load_from_cache(repo, CONFIG, hub.cache, revision)
        folder = Path(found).parent if isinstance(found, str) else None
        names = names_in(folder) if folder else set()
    except (HFValidationError, OSError):
        return None
    return folder if set(files_of(names)) <= names else None


def is_cached(hub: Hub, repo: str, name: str, commit: str) -> bool:
    return isinstance(try_to_load_from_cache(repo, name, hub.cache, commit), str)
