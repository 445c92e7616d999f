"""Loading one model: the steps, each in a pool of its own, and how far they are."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import AppError
from ..models.file_states import FileStates, differ, states_in, states_of
from ..models.progress import cancelled
from ..models.registry import Entry, folder_of
from ..records import NO_PROGRESS, ModelCard, ModelDtype, Progress
from ..settings import Settings
from .job import without_frames
from .libraries import import_libraries
from .progress import WorkProgress
from .worker_pool import WorkerPool

# Importing torch and transformers takes seconds. It happens in a worker thread, with the first model: the server
# listens and the page is on the screen before that.
if TYPE_CHECKING:
    from ..models.checkpoint import CheckedFiles
    from ..models.loading import LoadedModel

NUMBER_BYTES: dict[ModelDtype, int] = {"float32": 4, "bfloat16": 2}
# Of tokenizer.json. A tokenizer has each token in several tables, by its text and by its id, and keeps the merges.
# Measured: 7 to 15 times the size of the file, for BPE and for WordPiece.
TOKENIZER_FACTOR = 15
Stage = Literal["asking", "downloading", "reading"]
Change = Literal["changed", "gone"] | None
CHANGED = "changed on disk since it was loaded: reload it"
RELOAD_FAILED = "changed on disk since it was loaded, and reloading it failed: "
FOLDER_GONE = "its folder, or config.json in it, is gone: usable until it is unloaded, then it cannot be loaded again"


@dataclass(eq=False)
class Load:
    """A model that is loading, loaded, or failed to load.

    bytes:         memory of the model, 0 until it is known
    reserved:      whether there is room for it: it is loaded, or being read
    last_used:     a counter; the highest is the most recent
    folder, files: where the files are, and their states when they were opened, or later with other attributes
    change:        what has happened to the files since then, as far as the last look at the disk found
    reload_error:  why the last reload failed
    stopped:       why it was stopped; None if it was not
    """

    entry: Entry
    progress: WorkProgress = field(default_factory=lambda: WorkProgress(unit="bytes"))
    bytes: int = 0
    last_used: int = 0
    reserved: bool = False
    reading: bool = False
    folder: Path | None = None
    files: FileStates = field(default_factory=dict)
    change: Change = None
    reload_error: str | None = None
    stopped: AppError | None = None
    task: "asyncio.Future[LoadedModel]" = field(init=False)

    def start(self, work: "Coroutine[Any, Any, LoadedModel]") -> None:
        self.task = asyncio.create_task(work)
        self.task.add_done_callback(self.end)

    def end(self, task: "asyncio.Future[LoadedModel]") -> None:
        """A load that failed is kept, but no weights that it has read."""
        self.task = without_frames(task)

    @property
    def failed(self) -> BaseException | None:
        if not self.task.done():
            return None
        if not self.task.cancelled():
            return self.task.exception()
        return self.stopped or cancelled(downloads=self.entry.repo is not None)

    def stop(self, error: AppError | None = None) -> None:
        """Callers get the error at once, without one that it was cancelled; the thread stops at its next block."""
        if not self.task.done():
            self.stopped = error or cancelled(downloads=self.entry.repo is not None)
            self.progress.stop(self.stopped)
            self.task.cancel()

    @property
    def stage(self) -> Stage:
        """What the load is doing; `downloading` begins when the hub has said how many bytes there are."""
        if self.reading:
            return "reading"
        return "asking" if self.progress.total is None else "downloading"

    @property
    def ready(self) -> bool:
        return self.task.done() and self.failed is None

    def now(self, card: ModelCard) -> ModelCard:
        """`card`, which is that of the model before it is loaded, with the current state."""
        if not self.task.done():
            return card.now("loading")
        if self.failed:
            return card.now("failed", reason_of(self.failed))
        loaded = self.task.result().card
        if self.change is None:
            return loaded
        why = RELOAD_FAILED + self.reload_error if self.reload_error else CHANGED
        return loaded.now("ready", FOLDER_GONE if self.change == "gone" else why, changed_on_disk=True)

    def files_differ(self) -> bool:
        """Whether a file has been changed, replaced or deleted since it was read. Reads the disk."""
        if self.folder is None:
            return False
        now = states_of(self.folder, self.entry.card.source, self.files)
        if differ(self.files, now):
            return True
        self.files = now  # a write after a chmod is noticed only in comparison with the attributes after it
        return False


def reason_of(error: BaseException | None) -> str:
    return error.detail if isinstance(error, AppError) else "loading failed: the server's log has the details"


def load_progress(settings: Settings) -> WorkProgress:
    return WorkProgress(settings.load_seconds, "bytes", way_out="use a faster disk, or raise HEADSCOPE_LOAD_SECONDS")


def find_folder(entry: Entry, settings: Settings, progress: Progress) -> Path:
    """The folder of the model's files, which are downloaded if necessary."""
    if entry.repo is None:
        return folder_of(entry)
    from ..models.checker.watchdog import stoppable
    from ..models.claim import check_config
    from ..models.hub import Hub, fetch

    hub = Hub(settings.max_download_gb, settings.downloads)
    with stoppable(progress):
        return fetch(hub, entry.repo, entry.revision, progress, partial(check_config, source="hub"))


def sizes_of(entry: Entry, settings: Settings) -> tuple[int, int]:
    """Bytes of the files of the model, and of those that would be downloaded; nothing is downloaded."""
    if entry.repo is None:
        states = states_in(folder_of(entry), entry.card.source)
        return sum(state.size for state in states.values() if state), 0
    from ..models import hub

    return hub.sizes_of(hub.Hub(settings.max_download_gb, settings.downloads), entry.repo, entry.revision)


def check_model(load: Load, folder: Path) -> "CheckedFiles":
    """The files of the model, opened and checked. Cancelling the load ends it."""
    from ..models.checker.watchdog import stoppable
    from ..models.checkpoint import check_files

    with stoppable(load.progress):
        checked = check_files(folder, load.entry.card.source)
    load.folder, load.files = folder, checked.states
    return checked


async def checked_files(
    load: Load, folder: Path, bundled: WorkerPool, checks: WorkerPool, builds: WorkerPool
) -> "CheckedFiles":
    """The files of the model, opened and checked in one of the pools. One that is built for its check waits alone."""
    if load.entry.card.source == "bundled":
        return await bundled.run_unbounded(check_model, load, folder)
    checked = await checks.run_unbounded(check_without_building, load, folder)
    return await builds.run_unbounded(check_model, load, folder) if checked is None else checked


def check_without_building(load: Load, folder: Path) -> "CheckedFiles | None":
    """The same; None for a model that has to be built first, which takes seconds."""
    from ..models.checker.watchdog import BuildLater, without_building

    try:
        with without_building():
            return check_model(load, folder)
    except BuildLater:
        return None


def bytes_of_model(checked: "CheckedFiles", dtype: ModelDtype) -> int:
    """What the model and its tokenizer take in memory."""
    fit, size = checked.fit, NUMBER_BYTES[dtype]
    wide = sum(tensor.numel for name, tensor in checked.weights.tensors.items() if name in fit.wide)
    weights = fit.parameters * size + wide * (NUMBER_BYTES["float32"] - size)
    return weights + fit.buffers + len(checked.tokenizer) * TOKENIZER_FACTOR


def bytes_while_loading(checked: "CheckedFiles", dtype: ModelDtype) -> int:
    """The same until the model is loaded."""
    return bytes_of_model(checked, dtype) + checked.fit.merged * NUMBER_BYTES[dtype]


def read_model(load: Load, checked: "CheckedFiles", settings: Settings) -> "LoadedModel":
    load.progress.start()
    try:
        return read_checked(load.entry, checked, settings, load.progress)
    finally:
        load.progress.pause()


def read_checked(entry: Entry, checked: "CheckedFiles", settings: Settings, progress: Progress) -> "LoadedModel":
    import_libraries()
    from ..capture.admission import admit
    from ..models import loading

    model = loading.load_checked(
        checked, entry.card, device=settings.device, dtype=settings.dtype, sha256=entry.sha256, progress=progress
    )
    return model if entry.card.source == "bundled" else admit(model)  # tests admit the bundled ones


def load_now(entry: Entry, settings: Settings, progress: Progress = NO_PROGRESS) -> "LoadedModel":
    """All steps of a load, one after the other in this thread, for callers without an event loop."""
    from ..models.checkpoint import check_files

    folder = find_folder(entry, settings, progress)
    return read_checked(entry, check_files(folder, entry.card.source), settings, progress)
