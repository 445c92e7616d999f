"""The loaded models: each is loaded once, and the least recently used are dropped when memory is short."""

import asyncio
from collections.abc import Callable, Coroutine
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from ..errors import AppError, Busy, ModelNotFound
from ..models.registry import LOCAL, Entry
from ..records import ModelCard
from ..settings import Settings
from .job import outcome_of
from .job_queue import JobCounts, without_bugs
from .load import (
    Load,
    bytes_of_model,
    bytes_while_loading,
    checked_files,
    find_folder,
    load_progress,
    read_model,
    sizes_of,
)  # fmt: skip
from .model_listing import ModelListing
from .model_memory import ModelMemory
from .worker_pool import WorkerPool, queue_full

if TYPE_CHECKING:
    from ..models.loading import LoadedModel

HUB_WORKERS = 4
FAILURES_KEPT = 8  # of models that are not in the catalogue: anybody can ask for any id of the hub


@dataclass
class ModelCache:
    """Loads models and keeps them within HEADSCOPE_MAX_MODEL_BYTES. Use it on the event loop only.

    loads:   the loads that count, by id
    reloads: those that will replace a loaded model
    """

    settings: Settings
    counts: JobCounts = field(default_factory=JobCounts)
    loads: dict[str, Load] = field(default_factory=dict)
    reloads: dict[str, Load] = field(default_factory=dict)
    next_use: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    def __post_init__(self) -> None:
        self.listing = ModelListing(self.settings)
        # A hub that does not answer blocks only its own pool, and so do foreign models that take long to check, or to
        # build for their check. Models are read one at a time, because a model takes more memory while it is read.
        waiting = self.settings.max_waiting
        self.hub = WorkerPool(HUB_WORKERS, waiting, abandon=True)
        self.checks = WorkerPool(1, waiting, abandon=True)
        self.builds = WorkerPool(1, waiting, abandon=True)
        self.reads = WorkerPool(1, waiting, abandon=True)
        self.memory = ModelMemory(self.settings, self.loads, self.reloads, self.reads)

    # What is listed

    async def refresh(self) -> None:
        """Look at the disk again, before `cards`."""
        await self.listing.refresh([load for load in self.loads.values() if load.ready])

    def cards(self) -> list[ModelCard]:
        """All models with their current state; those that are not in the catalogue come last."""
        cards = {entry.card.id: self.card(entry.card) for entry in self.listing.entries}
        for model_id, load in sorted(self.loads.items()):
            if model_id not in cards and (load.entry.repo or not load.failed):
                cards[model_id] = self.card(load.entry.card)
        return list(cards.values())

    def card(self, card: ModelCard) -> ModelCard:
        """The same card with the current state of the model."""
        card, load = replace(card, dtype=self.settings.dtype), self.loads.get(card.id)
        return card if load is None else load.now(card)

    async def card_of(self, model_id: str | None) -> ModelCard:
        """The card of a model, even if it is loaded and its folder has been deleted. Raises ModelNotFound, Busy."""
        model_id = self.settings.model if model_id is None else model_id
        load = self.loads.get(model_id)
        if load is not None and not load.failed:
            return self.card(load.entry.card)
        return self.card((await self.listing.find(model_id)).card)

    @property
    def default(self) -> ModelCard:
        """The card of the default model; its state is `failed` if its folder has been deleted."""
        model_id = self.settings.model
        load = self.loads.get(model_id)
        entry = load.entry if load else self.listing.known(model_id)
        if entry is not None:
            return self.card(entry.card)
        why = f"no model {model_id!r}: its folder is not in {self.settings.models_dir}"
        return ModelCard(model_id, model_id, "", "local", state="failed", why=why)

    # Loading

    def loaded(self, model_id: str | None) -> "LoadedModel | None":
        """The model, unless it would have to be loaded first."""
        load = self.loads.get(self.settings.model if model_id is None else model_id)
        return load.task.result() if load is not None and load.ready else None

    async def model(self, model_id: str | None) -> "LoadedModel":
        """The loaded model. Callers that ask while it loads share that load. Raises ModelNotFound, ModelRefused, ..."""
        return await self.result_of(await self.start(model_id))

    async def result_of(self, load: Load) -> "LoadedModel":
        """The loaded model. Raises the error that the load ended with."""
        load.last_used = self.next_use()
        if not load.task.done():  # a loaded model is there at once, before the server looks at the next request
            await asyncio.wait({load.task})  # cancelling one caller cancels neither the load nor another caller
        if error := load.failed:
            raise copy(error)
        return load.task.result()

    async def start(self, model_id: str | None) -> Load:
        """The load of a model, started unless there is one. Raises ModelNotFound, Busy."""
        model_id = self.settings.model if model_id is None else model_id
        load = self.loads.get(model_id)
        if load is not None and not load.failed:
            return load
        entry = await self.listing.find(model_id)
        load = self.loads.get(model_id)  # another caller may have started it meanwhile
        if load is None or load.failed:
            load = self.loads[model_id] = self.new_load(entry)
            self.begin(load, lambda: self.load(load))
            load.task.add_done_callback(lambda _: self.forget_failures())
        return load

    async def reload(self, model_id: str) -> Load:
        """A load of the files as they are now. If it succeeds, it replaces the loaded model.

        Raises ModelNotFound, Busy.
        """
        entry = await self.listing.find(model_id)
        load = self.loads.get(model_id)
        if load is None or not load.ready:
            return await self.start(model_id)
        running = self.reloads.get(model_id)
        if running is None or running.task.done():
            running = new = self.new_load(entry)
            self.reloads[model_id] = new
            self.begin(new, lambda: self.replace(new))
            new.task.add_done_callback(lambda _: self.forget_reload(new))  # also of a task that was never started
        return running

    def new_load(self, entry: Entry) -> Load:
        """Raises Busy. The loads of each pool are counted on their own: a hub that hangs stops no local model."""
        pool, loads = self.pool_of(entry), chain(self.loads.values(), self.reloads.values())
        running = [load for load in loads if not load.task.done() and self.pool_of(load.entry) is pool]
        if len(running) >= self.settings.max_waiting + pool.size:
            self.counts.refused["load"] += 1
            raise queue_full(self.settings.max_waiting)
        return Load(entry, load_progress(self.settings), last_used=self.next_use(), reading=entry.repo is None)

    def pool_of(self, entry: Entry) -> WorkerPool:
        """Where its folder is found. No bundled model waits for others there."""
        if entry.card.source == "bundled":
            return self.reads
        return self.checks if entry.repo is None else self.hub

    async def sizes(self, model_id: str) -> tuple[int, int]:
        """See `load.sizes_of`. Raises ModelNotFound, Busy, and what a load raises before it downloads."""
        entry = await self.listing.find(model_id)
        pool = self.listing.one_folder if entry.repo is None else self.hub
        return await pool.run(sizes_of, entry, self.settings)

    def begin(self, load: Load, work: "Callable[[], Coroutine[Any, Any, LoadedModel]]") -> None:
        self.counts.begun["load"] += 1
        load.start(without_bugs("load", work))
        load.task.add_done_callback(lambda _: self.counts.ended.update([("load", outcome_of(load.failed))]))

    async def load(self, load: Load) -> "LoadedModel":
        """Each step waits in its pool, however many others do: `new_load` has bounded the loads."""
        folder = await self.pool_of(load.entry).run_unbounded(find_folder, load.entry, self.settings, load.progress)
        load.reading = True
        checked = await checked_files(load, folder, self.reads, self.checks, self.builds)
        await self.memory.make_room(load, bytes_while_loading(checked, self.settings.dtype))
        model = await self.reads.run_unbounded(read_model, load, checked, self.settings)
        load.bytes = bytes_of_model(checked, self.settings.dtype)
        return model

    async def replace(self, new: Load) -> "LoadedModel":
        """Load a model again beside the loaded one, which is kept if that fails.

        It keeps no reference to the old one while it waits: a load of another model may have unloaded that, and waits
        until nobody has it any more.
        """
        model_id = new.entry.card.id
        try:
            model = await self.load(new)
        except AppError as error:
            if old := self.memory.replaced_by(new):
                old.reload_error = None if isinstance(error, Busy) else error.detail
            raise
        old = self.loads.get(model_id)
        if old is not None and not old.task.done():  # it was unloaded, and somebody loads these files again
            self.memory.count(model, new.bytes)
        else:
            self.loads[model_id] = new
            self.memory.drop(old)
        return model

    def forget_reload(self, load: Load) -> None:
        model_id = load.entry.card.id
        if self.reloads.get(model_id) is load:
            del self.reloads[model_id]

    def forget_failures(self) -> None:
        """Keep the failures of listed models and the last few of others, except ids that do not exist.

        A load that was refused because the server is busy has not failed: the next request may succeed.
        """
        failed = {model_id: load for model_id, load in self.loads.items() if load.failed}
        listed = {self.settings.model, *(entry.card.id for entry in self.listing.entries)}
        busy = {model_id for model_id, load in failed.items() if isinstance(load.failed, Busy)}
        others = {model_id for model_id in failed if model_id not in listed and not model_id.startswith(LOCAL)}
        unknown = {model_id for model_id in others if isinstance(failed[model_id].failed, ModelNotFound)}
        recent = sorted(others - unknown - busy, key=lambda model_id: failed[model_id].last_used)[-FAILURES_KEPT:]
        for model_id in (others | busy) - set(recent):
            del self.loads[model_id]

    def cancel(self, model_id: str) -> None:
        """Cancel a load."""
        for load in filter(None, (self.loads.get(model_id), self.reloads.get(model_id))):
            load.stop()

    def stop_all(self, error: AppError) -> None:
        for load in [*self.loads.values(), *self.reloads.values()]:
            load.stop(error)
