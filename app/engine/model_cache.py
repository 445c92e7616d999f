"""Which models are loaded: each once, however many ask for it, and idle ones make room for others."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from anyio import to_thread

from ..errors import AppError, ModelTooLarge
from ..models.progress import Progress, cancelled
from ..models.registry import Catalogue, Entry, folder_of
from ..records import ModelCard
from ..settings import Settings

# torch and transformers take seconds to import. They come with the first model, in a worker thread:
# the port is bound and the page on the screen before that.
if TYPE_CHECKING:
    from ..models.loading import LoadedModel

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

FLOAT32 = 4  # bytes


@dataclass
class Load:
    """A model that is being loaded, is loaded, or could not be. `used` counts up: the larger, the later."""

    task: "asyncio.Task[LoadedModel]"
    progress: Progress
    bytes: int = 0
    used: int = 0

    @property
    def failed(self) -> BaseException | None:
        if not self.task.done():
            return None
        return cancelled() if self.task.cancelled() else self.task.exception()

    @property
    def ready(self) -> bool:
        return self.task.done() and self.failed is None


@dataclass
class Shelf:
    """Loads models, keeps them within a number of bytes, and lets the longest unused go first."""

    settings: Settings
    loads: dict[str, Load] = field(default_factory=dict)
    clock: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue(self.settings.models_dir, self.settings.hub_models)

    def cards(self) -> list[ModelCard]:
        """Every model there is, with its state now; those of the hub that somebody named come last."""
        cards = {entry.card.id: entry.card for entry in self.catalogue.listed()}
        for model_id in sorted(self.loads.keys() - cards.keys()):
            cards[model_id] = self.catalogue.lookup(model_id).card
        return [self.card(card) for card in cards.values()]

    def card(self, card: ModelCard) -> ModelCard:
        load = self.loads.get(card.id)
        if load is None:
            return card
        if not load.task.done():
            return card.now("loading")
        return card.now("failed", why_of(load.failed)) if load.failed else load.task.result().card

    @property
    def default(self) -> ModelCard:
        return self.card(self.catalogue.lookup(self.settings.model).card)

    async def model(self, model_id: str | None) -> "LoadedModel":
        """The loaded model; whoever asks while it loads joins that load. Raises ModelNotFound, ModelRefused, ..."""
        return await self.end_of(self.start(model_id))

    async def end_of(self, load: Load) -> "LoadedModel":
        """What the load came to."""
        load.used = self.clock()
        try:
            return await asyncio.shield(load.task)  # one caller's leaving must not stop the others' load
        except asyncio.CancelledError:
            if load.task.cancelled():
                raise cancelled() from None
            raise

    def start(self, model_id: str | None) -> Load:
        """The load of that model, begun now unless it has been. Raises ModelNotFound, which leaves no trace."""
        wanted = self.settings.model if model_id is None else model_id
        load = self.loads.get(wanted)
        if load is None or load.failed:
            entry = self.catalogue.lookup(wanted)
            progress = Progress("asking" if entry.repo else "reading")
            load = Load(asyncio.create_task(self.bring(entry, progress)), progress, used=self.clock())
            self.loads[wanted] = load
            load.task.add_done_callback(lambda _: self.forget_if_failed(entry))
        return load

    def forget_if_failed(self, entry: Entry) -> None:
        """Whatever a stranger may have typed leaves no trace; of the models on the list one can read why."""
        listed = entry.card.id in {self.settings.model, *(known.card.id for known in self.catalogue.listed())}
        load = self.loads.get(entry.card.id)
        if load is not None and load.failed and not listed:
            del self.loads[entry.card.id]

    def cancel(self, model_id: str) -> None:
        """Stop a download: at once for whoever waits, at its next block for the thread that works on it."""
        load = self.loads.get(model_id)
        if load is not None and not load.task.done() and load.progress.stage != "reading":
            load.progress.cancelled.set()
            load.task.cancel()

    def cancel_downloads(self) -> None:
        for model_id in list(self.loads):
            self.cancel(model_id)

    async def bring(self, entry: Entry, progress: Progress) -> "LoadedModel":
        folder = await in_thread(find, entry, self.settings, progress)
        progress.stage = "reading"
        needed = await in_thread(weigh, folder)
        self.make_room(entry.card.id, needed)
        return await in_thread(read, folder, entry, self.settings.device)

    def make_room(self, model_id: str, needed: int) -> None:
        """Let go of the longest unused models. A run that goes on keeps its own. Raises ModelTooLarge."""
        most = self.settings.max_model_bytes
        if needed > most:
            raise ModelTooLarge(f"{model_id} takes {needed:,} bytes in memory, HEADSCOPE_MAX_MODEL_BYTES is {most:,}")
        self.loads[model_id].bytes = needed
        idle = sorted((load.used, name) for name, load in self.loads.items() if load.ready)
        for _, name in idle:
            if sum(load.bytes for load in self.loads.values() if not load.failed) <= most:
                break
            del self.loads[name]


def find(entry: Entry, settings: Settings, progress: Progress) -> Path:
    """The folder of the model's files, downloaded where they have to be."""
    if entry.repo is None:
        return folder_of(entry)
    from ..models.checkpoint import read_config
    from ..models.hub import Hub, fetch

    hub = Hub(settings.max_download_gb, settings.downloads)
    return fetch(hub, entry.repo, entry.revision, progress, read_config)


def weigh(folder: Path) -> int:
    """Bytes that the model takes in memory."""
    from ..models.checkpoint import parameters

    return parameters(folder) * FLOAT32


def read(folder: Path, entry: Entry, device: str) -> "LoadedModel":
    from ..models.loading import load

    return load(folder, entry.card, device=device, sha256=entry.sha256)


async def in_thread(work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
    return await to_thread.run_sync(work, *arguments, abandon_on_cancel=True)


def why_of(error: BaseException | None) -> str:
    return error.detail if isinstance(error, AppError) else "loading failed: the server's log has the details"
