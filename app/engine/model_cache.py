"""The loaded models: each is loaded once, and the least recently used are dropped when memory is short."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, TypeVarTuple

from anyio import to_thread

from ..errors import AppError, ModelNotFound, ModelTooLarge
from ..models.progress import cancelled
from ..models.registry import Catalogue, Entry, folder_of
from ..records import ModelCard, Progress
from ..settings import Settings
from .progress import WorkProgress

# Importing torch and transformers takes seconds. It happens in a worker thread, with the first model: the server
# listens and the page is on the screen before that.
if TYPE_CHECKING:
    from ..models.loading import LoadedModel

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

FLOAT32_BYTES = 4
FAILURES_KEPT = 8  # of models that are not in the catalogue: anybody can ask for any id of the hub
FOLDER_GONE = "its folder, or config.json in it, is gone: usable until it is unloaded, then it cannot be loaded again"
Stage = Literal["asking", "downloading", "reading"]


@dataclass
class Load:
    """A model that is loading, loaded, or failed to load.

    bytes:     memory of the model, 0 until it is known
    last_used: a counter; the highest is the most recent
    """

    entry: Entry
    task: "asyncio.Task[LoadedModel]"
    progress: WorkProgress
    bytes: int = 0
    last_used: int = 0
    reading: bool = False

    @property
    def failed(self) -> BaseException | None:
        if not self.task.done():
            return None
        return cancelled() if self.task.cancelled() else self.task.exception()

    @property
    def stage(self) -> Stage:
        """What the load is doing; `downloading` begins when the hub has said how many bytes there are."""
        if self.reading:
            return "reading"
        return "asking" if self.progress.total is None else "downloading"

    @property
    def ready(self) -> bool:
        return self.task.done() and self.failed is None


@dataclass
class ModelCache:
    """Loads models and keeps them within HEADSCOPE_MAX_MODEL_BYTES. Use it on the event loop only."""

    settings: Settings
    loads: dict[str, Load] = field(default_factory=dict)
    next_use: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.settings.models_dir, self.settings.hub_models)

    def cards(self) -> list[ModelCard]:
        """All models with their current state; those that are not in the catalogue come last."""
        cards = {entry.card.id: self.card(entry.card) for entry in self.catalogue.listed()}
        for model_id, load in sorted(self.loads.items()):
            if model_id not in cards and (load.entry.repo or not load.failed):
                cards[model_id] = self.card_of(model_id)
        return list(cards.values())

    def card(self, card: ModelCard) -> ModelCard:
        """The same card with the current state of the model."""
        load = self.loads.get(card.id)
        if load is None:
            return card
        if not load.task.done():
            return card.now("loading")
        return card.now("failed", reason_of(load.failed)) if load.failed else load.task.result().card

    def card_of(self, model_id: str) -> ModelCard:
        """The card of a model, even if it is loaded and its folder has been deleted. Raises ModelNotFound."""
        try:
            return self.card(self.catalogue.lookup(model_id).card)
        except ModelNotFound:
            load = self.loads.get(model_id)
            if load is None or load.failed:
                raise
            card = self.card(load.entry.card)
            return card.now("ready", FOLDER_GONE) if load.ready else card

    @property
    def default(self) -> ModelCard:
        """The card of the default model; its state is `failed` if its folder has been deleted."""
        model_id = self.settings.model
        try:
            return self.card_of(model_id)
        except ModelNotFound as error:
            return ModelCard(model_id, model_id, "", "local", state="failed", why=error.detail)

    async def model(self, model_id: str | None) -> "LoadedModel":
        """The loaded model. Callers that ask while it loads share that load. Raises ModelNotFound, ModelRefused, ..."""
        return await self.result_of(self.start(model_id))

    async def result_of(self, load: Load) -> "LoadedModel":
        """The loaded model. Raises the error that the load ended with."""
        load.last_used = self.next_use()
        try:
            return await asyncio.shield(load.task)  # cancelling one caller must not cancel the load of the others
        except asyncio.CancelledError:
            if load.task.cancelled():
                raise cancelled() from None
            raise

    def start(self, model_id: str | None) -> Load:
        """The load of a model, started unless there is one. Raises ModelNotFound."""
        model_id = self.settings.model if model_id is None else model_id
        load = self.loads.get(model_id)
        if load is None or load.failed:
            entry = self.catalogue.lookup(model_id)
            progress = WorkProgress(unit="bytes")
            task = asyncio.create_task(self.load(entry, progress))
            load = Load(entry, task, progress, last_used=self.next_use(), reading=entry.repo is None)
            self.loads[model_id] = load
            load.task.add_done_callback(lambda _: self.forget_failures())
        return load

    def forget_failures(self) -> None:
        """Keep the failures of listed models and the last few of others, except ids that do not exist."""
        listed = {self.settings.model, *(entry.card.id for entry in self.catalogue.listed())}
        others = {model_id: load for model_id, load in self.loads.items() if load.failed and model_id not in listed}
        unknown = {model_id for model_id, load in others.items() if isinstance(load.failed, ModelNotFound)}
        recent = sorted(others.keys() - unknown, key=lambda model_id: others[model_id].last_used)[-FAILURES_KEPT:]
        for model_id in others.keys() - set(recent):
            del self.loads[model_id]

    def cancel(self, model_id: str) -> None:
        """Cancel a download: clients get the error at once, the thread stops at its next block."""
        load = self.loads.get(model_id)
        if load is not None and not load.task.done() and not load.reading:
            load.progress.stop(cancelled())
            load.task.cancel()

    def cancel_downloads(self) -> None:
        for model_id in list(self.loads):
            self.cancel(model_id)

    async def load(self, entry: Entry, progress: WorkProgress) -> "LoadedModel":
        folder = await in_thread(find_folder, entry, self.settings, progress)
        self.loads[entry.card.id].reading = True
        needed = await in_thread(memory_of, folder)
        self.make_room(entry.card.id, needed)
        return await in_thread(read_model, folder, entry, self.settings.device)

    def make_room(self, model_id: str, needed: int) -> None:
        """Drop the least recently used models. A running job keeps its own model. Raises ModelTooLarge."""
        limit = self.settings.max_model_bytes
        if needed > limit:
            raise ModelTooLarge(f"{model_id} takes {needed:,} bytes in memory, HEADSCOPE_MAX_MODEL_BYTES is {limit:,}")
        self.loads[model_id].bytes = needed
        idle = sorted((load.last_used, name) for name, load in self.loads.items() if load.ready)
        for _, name in idle:
            if sum(load.bytes for load in self.loads.values() if not load.failed) <= limit:
                break
            del self.loads[name]


def find_folder(entry: Entry, settings: Settings, progress: Progress) -> Path:
    """The folder of the model's files, which are downloaded if necessary."""
    if entry.repo is None:
        return folder_of(entry)
    from ..models.checkpoint import read_config
    from ..models.hub import Hub, fetch

    hub = Hub(settings.max_download_gb, settings.downloads)
    return fetch(hub, entry.repo, entry.revision, progress, read_config)


def memory_of(folder: Path) -> int:
    """Bytes of the model in memory."""
    from ..models.checkpoint import parameters

    return parameters(folder) * FLOAT32_BYTES


def read_model(folder: Path, entry: Entry, device: str) -> "LoadedModel":
    from ..models.loading import load

    return load(folder, entry.card, device=device, sha256=entry.sha256)


async def in_thread(work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    return await to_thread.run_sync(work, *arguments, abandon_on_cancel=True)


def reason_of(error: BaseException | None) -> str:
    return error.detail if isinstance(error, AppError) else "loading failed: the server's log has the details"
