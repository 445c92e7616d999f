"""Download a checkpoint from the Hugging Face hub into the cache that all Hugging Face tools share.

huggingface_hub reads HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE and HF_TOKEN. In addition: the size is checked first, only
files that cannot contain code are downloaded, config.json comes before the weights, and a cached checkpoint is used
when the hub cannot be reached.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ..errors import (
    AppError,
    CorruptModel,
    DiskFull,
    HubUnreachable,
    ModelGated,
    ModelNotFound,
    ModelTooLarge,
    UnsafeFormat,
)
from ..records import Progress
from .checkpoint import CONFIG, TOKENIZER, WEIGHTS
from .progress import FileProgress

# With plain HTTP, a download can be cancelled between two chunks and resumed. The Xet protocol supports neither.
constants.HF_HUB_DISABLE_XET = True
# With the default of ten megabytes, a slow connection would show no progress for a minute.
constants.DOWNLOAD_CHUNK_SIZE = 2**20

# In this order: the smallest files first, since config.json decides whether the rest is needed.
NEEDED = (CONFIG, TOKENIZER, WEIGHTS)
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
GIGABYTE = 1e9


@dataclass(frozen=True)
class Hub:
    """Settings of downloads. Where a value is None, huggingface_hub's environment variables apply."""

    max_gigabytes: float
    downloads: bool = True
    endpoint: str | None = None
    cache: Path | None = None


@dataclass(frozen=True)
class HubFiles:
    """The files of a revision on the hub, and their sizes in bytes."""

    repo: str
    revision: str
    sizes: dict[str, int]


def fetch(hub: Hub, repo: str, revision: str | None, progress: Progress, check: Callable[[Path], object]) -> Path:
    """The folder of the checkpoint; it is downloaded if it is not cached. `check` gets the folder with config.json.

    Raises ModelNotFound, ModelGated, HubUnreachable, ModelTooLarge, UnsafeFormat, DiskFull, DownloadCancelled, and
    what `check` raises.
    """
    if not hub.downloads:
        missing = ModelNotFound(f"{repo!r} is not in the cache, and this server does not download models")
        return cached(hub, repo, revision, missing)
    try:
        with our_errors(repo):
            files = list_files(hub, repo, revision)
    except HubUnreachable as error:
        return cached(hub, repo, revision, error)
    check_files(hub, files)
    return download(hub, files, progress, check)


def list_files(hub: Hub, repo: str, revision: str | None) -> HubFiles:
    info = HfApi(endpoint=hub.endpoint).model_info(repo, revision=revision, files_metadata=True, timeout=10)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    return HubFiles(repo, revision or "main", sizes)


def check_files(hub: Hub, files: HubFiles) -> None:
    """Raises UnsafeFormat, CorruptModel, ModelTooLarge, before anything is downloaded."""
    if WEIGHTS not in files.sizes and any(name.endswith(PICKLES) for name in files.sizes):
        raise UnsafeFormat(f"{files.repo} has only pickled weights, which can run code, and no {WEIGHTS}")
    if missing := [name for name in NEEDED if name not in files.sizes]:
        raise CorruptModel(f"{files.repo} has no {missing[0]}: a model needs {', '.join(NEEDED)}")
    size = sum(files.sizes[name] for name in NEEDED) / GIGABYTE
    if size > hub.max_gigabytes:
        limit = f"HEADSCOPE_MAX_DOWNLOAD_GB is {hub.max_gigabytes:g}"
        raise ModelTooLarge(
            f"{files.repo} is a download of {size:.2f} GB, {limit}: raise it, or choose a smaller model"
        )


def download(hub: Hub, files: HubFiles, progress: Progress, check: Callable[[Path], object]) -> Path:
    progress.expect(sum(files.sizes[name] for name in NEEDED))
    revision = files.revision
    for name in NEEDED:
        progress.check()
        file_progress = FileProgress(progress)
        with our_errors(files.repo):
            path = hf_hub_download(
                files.repo,
                name,
                revision=revision,
                endpoint=hub.endpoint,
                cache_dir=hub.cache,
                tqdm_class=cast("Any", file_progress),
            )
        progress.step(files.sizes[name] - file_progress.bytes)  # a cached file has no progress bar
        folder = Path(path).parent
        if name == CONFIG:
            check(folder)
            revision = folder.name  # the commit: the other files come from it even if the branch changes
    return folder


def cached(hub: Hub, repo: str, revision: str | None, otherwise: AppError) -> Path:
    """The folder in the cache if all files are there. Raises `otherwise`."""
    try:
        found = [try_to_load_from_cache(repo, name, hub.cache, revision) for name in NEEDED]
    except HFValidationError:
        raise otherwise from None
    paths = [Path(path) for path in found if isinstance(path, str)]
    if len(paths) < len(NEEDED):
        raise otherwise
    return paths[0].parent


@contextmanager
def our_errors(repo: str) -> Iterator[None]:
    """Convert the exceptions of huggingface_hub. Their messages can contain addresses and are not passed on."""
    try:
        yield
    except GatedRepoError:
        way_out = "accept its conditions on the hub, then start the server with HF_TOKEN set"
        raise ModelGated(f"{repo} is gated: {way_out}") from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ModelNotFound(
            f"no model {repo!r} on this server or on the hub (a private model needs HF_TOKEN)"
        ) from None
    except RevisionNotFoundError:
        raise ModelNotFound(f"{repo!r} does not have this revision on the hub") from None
    except OfflineModeIsEnabled:
        raise HubUnreachable(f"{repo} is not in the cache, and HF_HUB_OFFLINE is set") from None
    except HfHubHTTPError as error:
        raise error_of_status(repo, error.response.status_code) from None
    except (httpx2.HTTPError, LocalEntryNotFoundError):
        raise HubUnreachable(f"the Hugging Face hub does not answer, and {repo} is not in the cache") from None
    except OSError as error:
        if error.errno != errno.ENOSPC and "Consistency check" not in str(error):
            raise
        raise error_of_os(repo, error) from None


def error_of_status(repo: str, status: int) -> AppError:
    if status == 404:
        return ModelNotFound(f"no model {repo!r} on this server or on the hub")
    if status in (401, 403):
        return ModelGated(
            f"the hub refuses access to {repo} ({status}): start the server with an HF_TOKEN that can read it"
        )
    return HubUnreachable(f"the Hugging Face hub answers with status {status}, and {repo} is not in the cache")


def error_of_os(repo: str, error: OSError) -> AppError:
    if error.errno == errno.ENOSPC:
        return DiskFull(f"the disk is full: free some space for {repo}, or set HF_HOME to another disk")
    return HubUnreachable(f"the download of {repo} was interrupted; the next try continues it")
