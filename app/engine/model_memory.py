"""The memory of models: those that are loaded, those that are being read, and those that were dropped in use."""

import asyncio
import gc
import weakref
from dataclasses import dataclass, field
from itertools import takewhile
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..errors import Busy, ModelTooLarge
from ..settings import Settings
from .load import Load
from .worker_pool import WorkerPool

if TYPE_CHECKING:
    from ..models.loading import LoadedModel

LOOK_SECONDS = 1.0  # between two garbage collections: some models are part of cycles


@dataclass
class ModelMemory:
    """Keeps models within HEADSCOPE_MAX_MODEL_BYTES. Use it on the event loop only.

    A model that is dropped counts until no job uses it any more.

    loads:     the loads that count, by id
    reloads:   those that will replace a loaded model
    collector: where garbage is collected
    waiting:   loads that wait for room, by a number, with the bytes that they need; the first has come first
    dropped:   models that were dropped, by a number, with their bytes
    """

    settings: Settings
    loads: dict[str, Load]
    reloads: dict[str, Load]
    collector: WorkerPool
    waiting: dict[int, int] = field(default_factory=dict)
    dropped: dict[int, tuple["weakref.ref[Any]", int]] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def bytes(self) -> int:
        """Of all models that are in memory, or are being read."""
        loads = {*self.loads.values(), *self.reloads.values()}  # a reload that has just ended is in both
        sizes = [load.bytes for load in loads if load.reserved and not load.failed]
        return sum(sizes) + self.bytes_of_dropped

    @property
    def bytes_of_dropped(self) -> int:
        return sum(size for _, size in self.dropped.values())

    async def make_room(self, new: Load, needed: int) -> None:
        """Reserve memory for a load: drop the least recently used models, and wait until no job uses them any more.

        Raises ModelTooLarge, and Busy if jobs use them for too long.
        """
        self.waiting[id(new)] = needed
        try:
            await self.wait_for_room(new, needed)
            new.bytes, new.reserved = needed, True
        finally:
            del self.waiting[id(new)]
            self.changed.set()
        new.task.add_done_callback(lambda _: self.changed.set())

    async def wait_for_room(self, new: Load, needed: int) -> None:
        """First come, first served: a later load goes ahead only if it fits beside those that came before it."""
        end, limit = monotonic() + self.settings.load_seconds, self.settings.max_model_bytes
        in_vain = False  # whether what was dropped is still used after a while
        while True:
            self.check(new, needed)  # in each turn: others can have loaded the model that a reload replaces
            before = sum(self.waiting[each] for each in takewhile(id(new).__ne__, self.waiting))
            if self.bytes + before + needed <= limit:
                return
            is_first = next(iter(self.waiting)) == id(new)
            if is_first and (in_vain or self.bytes - self.bytes_of_dropped + needed > limit) and self.drop_one(new):
                in_vain = False
                continue
            if monotonic() > end:
                raise Busy(
                    f"{new.entry.card.id} takes {needed:,} bytes in memory. Others take {self.bytes:,} and are in use, "
                    f"HEADSCOPE_MAX_MODEL_BYTES is {limit:,}: try again later"
                )
            in_vain = not await self.changes()

    def replaced_by(self, new: Load) -> Load | None:
        """The loaded model that a reload replaces, unless it has been unloaded."""
        model_id = new.entry.card.id
        old = self.loads.get(model_id) if self.reloads.get(model_id) is new else None
        return old if old is not None and old.ready else None

    def check(self, new: Load, needed: int) -> None:
        """Raises ModelTooLarge for a model that never fits."""
        old = self.replaced_by(new)
        limit, model_id = self.settings.max_model_bytes, new.entry.card.id
        if needed > limit:
            raise ModelTooLarge(f"{model_id} takes {needed:,} bytes in memory, HEADSCOPE_MAX_MODEL_BYTES is {limit:,}")
        if old is not None and old.bytes + needed > limit:
            raise ModelTooLarge(
                f"while {model_id} is reloaded, the old and the new one take {old.bytes + needed:,} bytes, "
                f"HEADSCOPE_MAX_MODEL_BYTES is {limit:,}: raise it, or restart the server"
            )

    def drop_one(self, new: Load) -> bool:
        """Drop the least recently used model, but not the one that `new` replaces; False if there is none."""
        kept = self.replaced_by(new)
        loaded = [(load.last_used, name) for name, load in self.loads.items() if load.ready and load is not kept]
        if not loaded:
            return False
        self.drop(self.loads.pop(min(loaded)[1]))
        return True

    def drop(self, load: Load | None) -> None:
        """Count a model that is no longer loaded as long as a job uses it."""
        if load is not None and load.ready:
            self.count(load.task.result(), load.bytes)

    def count(self, loaded: "LoadedModel", size: int) -> None:
        """Count that many bytes as long as anybody uses the model."""
        model, loop = loaded.adopted.model, asyncio.get_running_loop()  # it has the weights
        number = id(model)

        def gone(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.forget, number)

        self.dropped[number] = weakref.ref(model, gone), size

    def forget(self, number: int) -> None:
        self.dropped.pop(number, None)
        self.changed.set()

    async def changes(self) -> bool:
        """Wait until a load has ended or a dropped model is gone; False if none is within LOOK_SECONDS."""
        self.changed.clear()
        try:
            await asyncio.wait_for(self.changed.wait(), LOOK_SECONDS)
        except TimeoutError:
            await self.collector.run_unbounded(gc.collect)
        await asyncio.sleep(0)  # the callbacks of what was collected
        return self.changed.is_set()
