"""Which models are loaded: each once, however many ask for it, and idle ones make room for others."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from anyio import to_thread

from ..errors import AppError, ModelNotFound, ModelTooLarge
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
FAILURES_KEPT = 8  # of models that are not in the catalogue: anybody can ask for any id of the hub
FOLDER_GONE = "its folder, or config.json in it, is gone: usable until it is unloaded, then it cannot be loaded again"


@dataclass
class Load:
    """A model that is being loaded, is loaded, or could not be. `used` counts up: the larger, the later."""

    entry: Entry
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
        """Every model there is, with its state now; models outside the catalogue come last."""
        cards = {entry.card.id: self.card(entry.card) for entry in self.catalogue.listed()}
        for model_id, load in sorted(self.loads.items()):
            if model_id not in cards and (load.entry.repo or not load.failed):
                cards[model_id] = self.card_of(model_id)
        return list(cards.values())

    def card(self, card: ModelCard) -> ModelCard:
        load = self.loads.get(card.id)
        if load is None:
            return card
        if not load.task.done():
            return card.now("loading")
        return card.now("failed", why_of(load.failed)) if load.failed else load.task.result().card

    def card_of(self, model_id: str) -> ModelCard:
        """The card of that model, also of a loaded one whose folder has been deleted. Raises ModelNotFound."""
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
        """The card of the default model; failed where its folder has been deleted."""
        model_id = self.settings.model
        try:
            return self.card_of(model_id)
        except ModelNotFound as error:
            return ModelCard(model_id, model_id, "", "local", state="failed", why=error.detail)

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
            load = Load(entry, asyncio.create_task(self.bring(entry, progress)), progress, used=self.clock())
            self.loads[wanted] = load
            load.task.add_done_callback(lambda _: self.forget_failures())
        return load

    def forget_failures(self) -> None:
        """Keep the failures of listed models, and of the others the last few, but for ids that exist nowhere."""
        listed = {self.settings.model, *(entry.card.id for entry in self.catalogue.listed())}
        others = {model_id: load for model_id, load in self.loads.items() if load.failed and model_id not in listed}
        unknown = {model_id for model_id, load in others.items() if isinstance(load.failed, ModelNotFound)}
        recent = sorted(others.keys() - unknown, key=lambda model_id: others[model_id].used)[-FAILURES_KEPT:]
        for model_id in others.keys() - set(recent):
            del self.loads[model_id]

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
