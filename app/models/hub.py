"""A checkpoint of the Hugging Face hub, in the cache that all of its tools share.

HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE and HF_TOKEN are huggingface_hub's to honour. What we add: the size is asked
first, only files that cannot carry code are fetched, config.json before the weights, and a cached checkpoint works
without the hub.
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

# Plain HTTP can be cancelled between two blocks and goes on where it stopped; the other protocol tells us neither.
constants.HF_HUB_DISABLE_XET = True
# At its ten, a slow line would show no progress for a minute.
constants.DOWNLOAD_CHUNK_SIZE = 2**20

# In this order: what tells most and weighs least comes first.
NEEDED = (CONFIG, TOKENIZER, WEIGHTS)
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
GIGABYTE = 1e9


@dataclass(frozen=True)
class Hub:
    """Where to ask, where to keep, and how much; None leaves it to huggingface_hub's own variables."""

    most_gigabytes: float
    downloads: bool = True
    endpoint: str | None = None
    cache: Path | None = None


@dataclass(frozen=True)
class Offer:
    """What the hub has of a revision: files and their bytes."""

    repo: str
    revision: str
    sizes: dict[str, int]


def fetch(hub: Hub, repo: str, revision: str | None, progress: Progress, check: Callable[[Path], object]) -> Path:
    """The folder of the checkpoint, downloaded where it is not yet. `check` is called as soon as config.json is there.

    Raises ModelNotFound, ModelGated, HubUnreachable, ModelTooLarge, UnsafeFormat, DiskFull, DownloadCancelled, and
    what `check` raises.
    """
    if not hub.downloads:
        return cached(hub, repo, revision, ModelNotFound(f"{repo!r} is not here, and this server downloads no models"))
    try:
        with our_errors(repo):
            offer = ask(hub, repo, revision)
    except HubUnreachable as error:
        return cached(hub, repo, revision, error)
    check_offer(hub, offer)
    return download(hub, offer, progress, check)


def ask(hub: Hub, repo: str, revision: str | None) -> Offer:
    info = HfApi(endpoint=hub.endpoint).model_info(repo, revision=revision, files_metadata=True, timeout=10)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    return Offer(repo, revision or "main", sizes)


def check_offer(hub: Hub, offer: Offer) -> None:
    """Raises UnsafeFormat, CorruptModel, ModelTooLarge, before a byte of it is fetched."""
    if WEIGHTS not in offer.sizes and any(name.endswith(PICKLES) for name in offer.sizes):
        raise UnsafeFormat(f"{offer.repo} has pickled weights only, which can run code, and no {WEIGHTS}")
    if missing := [name for name in NEEDED if name not in offer.sizes]:
        raise CorruptModel(f"{offer.repo} has no {missing[0]}: {', '.join(NEEDED)} are read")
    size = sum(offer.sizes[name] for name in NEEDED) / GIGABYTE
    if size > hub.most_gigabytes:
        limit = f"HEADSCOPE_MAX_DOWNLOAD_GB is {hub.most_gigabytes:g}"
        raise ModelTooLarge(f"{offer.repo} is {size:.2f} GB to download, {limit}: raise it, or take a smaller model")


def download(hub: Hub, offer: Offer, progress: Progress, check: Callable[[Path], object]) -> Path:
    progress.expect(sum(offer.sizes[name] for name in NEEDED))
    revision = offer.revision
    for name in NEEDED:
        progress.check()
        file_progress = FileProgress(progress)
        with our_errors(offer.repo):
            path = hf_hub_download(
                offer.repo,
                name,
                revision=revision,
                endpoint=hub.endpoint,
                cache_dir=hub.cache,
                tqdm_class=cast("Any", file_progress),
            )
        progress.step(offer.sizes[name] - file_progress.bytes)  # a cached file has no progress bar
        folder = Path(path).parent
        if name == CONFIG:
            check(folder)
            revision = folder.name  # the commit, so that all files are of one even if the branch moves on meanwhile
    return folder


def cached(hub: Hub, repo: str, revision: str | None, otherwise: AppError) -> Path:
    """The folder in the cache if it is whole. Raises `otherwise`."""
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
    """What huggingface_hub raises, as ours. Its own words can name addresses and are left out."""
    try:
        yield
    except GatedRepoError:
        way = "accept its conditions on the hub, then start the server with HF_TOKEN set"
        raise ModelGated(f"{repo} is gated: {way}") from None
    except (RepositoryNotFoundError, HFValidationError):
        raise ModelNotFound(f"no model {repo!r}, here or on the hub (a private one needs HF_TOKEN)") from None
    except RevisionNotFoundError:
        raise ModelNotFound(f"{repo!r} has no such revision on the hub") from None
    except OfflineModeIsEnabled:
        raise HubUnreachable(f"{repo} is not in the cache, and HF_HUB_OFFLINE forbids asking the hub") from None
    except HfHubHTTPError as error:
        raise of_status(repo, error.response.status_code) from None
    except (httpx2.HTTPError, LocalEntryNotFoundError):
        raise HubUnreachable(f"the hub does not answer, and {repo} is not in the cache: try again later") from None
    except OSError as error:
        if error.errno != errno.ENOSPC and "Consistency check" not in str(error):
            raise
        raise of_os(repo, error) from None


def of_status(repo: str, status: int) -> AppError:
    if status == 404:
        return ModelNotFound(f"no model {repo!r}, here or on the hub")
    if status in (401, 403):
        return ModelGated(f"the hub refuses {repo} ({status}): start the server with an HF_TOKEN that may read it")
    return HubUnreachable(f"the hub answers {status}, and {repo} is not in the cache: try again later")


def of_os(repo: str, error: OSError) -> AppError:
    if error.errno == errno.ENOSPC:
        return DiskFull(f"no room left on the disk for {repo}: make some, or let HF_HOME point elsewhere")
    return HubUnreachable(f"the hub sent {repo} incompletely: asked for again, the download goes on")
