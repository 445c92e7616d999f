"""What is on disk: the list of models, and which loaded ones have changed. Never read on the event loop."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ..errors import Busy
from ..models.registry import BUNDLED, LOCAL, Catalogue, Entry
from ..records import ModelCard
from ..settings import Settings
from .load import Change, Load
from .worker_pool import WorkerPool

DISK_SECONDS = 5


class ModelListing:
    """The catalogue as the last `refresh` found it.

    A file system that does not answer blocks only `refresh` and `find`, and both for at most DISK_SECONDS. Looks at all
    folders and lookups of one have workers of their own: a load does not wait until thousands of folders are listed.
    """

    def __init__(self, settings: Settings) -> None:
        self.catalogue = Catalogue(settings.models_dir, settings.hub_models, settings.local_models)
        default = Entry(ModelCard(settings.model, settings.model, "", "local"))
        unseen = [default] if settings.model.startswith(LOCAL) else []
        self.entries: Sequence[Entry] = (*BUNDLED, *unseen, *self.catalogue.offered_on_hub())
        self.disk = WorkerPool(1, settings.max_waiting, abandon=True)
        self.one_folder = WorkerPool(1, settings.max_waiting, abandon=True)
        self.running_look: asyncio.Task[None] | None = None
        self.lookups: dict[str, asyncio.Task[Entry]] = {}

    async def refresh(self, loads: Sequence[Load]) -> None:
        """Look at the folders again, and at the files of these loads. Without an answer, the last state is kept.

        Callers that ask during a look share it.
        """
        if self.running_look is None or self.running_look.done():
            self.running_look = asyncio.create_task(self.look(loads))
        await asyncio.wait({self.running_look}, timeout=DISK_SECONDS)

    async def look(self, loads: Sequence[Load]) -> None:
        with suppress(Busy):  # the warnings are being collected
            self.entries, changes = await self.disk.run(look_at_disk, self.catalogue, loads)
            for load, change in zip(loads, changes, strict=True):
                load.change = change

    async def warnings(self) -> list[str]:
        """A message for each folder that is not offered. Raises Busy."""
        return await self.disk.run(self.catalogue.skipped_folders)

    def known(self, model_id: str) -> Entry | None:
        """The model with that id, without reading the disk."""
        listed = next((entry for entry in self.entries if entry.card.id == model_id), None)
        return listed or self.catalogue.without_disk(model_id)

    async def find(self, model_id: str) -> Entry:
        """The model with that id. Callers that ask at the same time share the answer. Raises ModelNotFound, Busy."""
        entry = self.catalogue.without_disk(model_id)
        if entry is not None:
            return entry
        lookup = self.lookups.get(model_id)
        if lookup is None:
            work = self.one_folder.run(self.catalogue.lookup, model_id, self.entries)
            lookup = asyncio.create_task(work)
            lookup.add_done_callback(lambda _: self.lookups.pop(model_id))
            lookup.add_done_callback(retrieve)
            self.lookups[model_id] = lookup
        try:
            return await asyncio.wait_for(asyncio.shield(lookup), DISK_SECONDS)
        except TimeoutError:
            folder = self.catalogue.models_dir
            raise Busy(f"{folder} has not answered for {DISK_SECONDS} s: is its file system connected?") from None


def look_at_disk(catalogue: Catalogue, loads: Sequence[Load]) -> tuple[list[Entry], list[Change]]:
    """The entries of the catalogue, and what has happened to the files of each load."""
    return catalogue.listed(), [change_of(catalogue, load) for load in loads]


def change_of(catalogue: Catalogue, load: Load) -> Change:
    model_id = load.entry.card.id
    if model_id.startswith(LOCAL) and catalogue.local(model_id.removeprefix(LOCAL)) is None:
        return "gone"
    return "changed" if load.files_differ() else None


def retrieve(task: "asyncio.Task[Any]") -> None:
    """Retrieve the exception of a task that nobody may be waiting for: asyncio would log it."""
    if not task.cancelled():
        task.exception()
