"""Room for models: a model that is unloaded counts as long as it is used, and loads wait for that."""

import asyncio
import gc
from contextlib import suppress
from itertools import count
from threading import Event

import pytest
from anyio.from_thread import start_blocking_portal
from model_files import bytes_in_memory

from headscope.engine import model_cache, model_memory
from headscope.engine.load import find_folder
from headscope.engine.model_cache import ModelCache
from headscope.engine.model_memory import ModelMemory
from headscope.engine.more_passes import MorePasses
from headscope.engine.runner import Runner
from headscope.engine.worker_pool import WorkerPool
from headscope.errors import Busy, DownloadCancelled, ModelTooLarge
from headscope.export.dump import DumpRequest, dump
from headscope.records import Prompt
from headscope.settings import Settings


def together(work):
    """Run a coroutine in a thread of its own: the browser tests leave an event loop running in this one."""
    with start_blocking_portal() as portal:
        return portal.call(work)


def bytes_of_two(models_dir):
    """Enough for any two of the tiny models, but not for all three."""
    sizes = sorted(bytes_in_memory(models_dir / name) for name in ("gpt2", "bert", "bert-masked"))
    return sum(sizes[1:])


@pytest.fixture
def small(models_dir, monkeypatch):
    """Models of which only one fits; they are looked at often."""
    monkeypatch.setattr(model_memory, "LOOK_SECONDS", 0.02)
    size = max(bytes_in_memory(models_dir / name) for name in ("gpt2", "bert"))
    return ModelCache(Settings(model="local:gpt2", models_dir=models_dir, max_model_bytes=size))


@pytest.fixture
def looked(monkeypatch):
    """An event that is set at each look whether a dropped model is gone."""
    event, look = asyncio.Event(), ModelMemory.changes

    async def changes(memory):
        event.set()
        return await look(memory)

    monkeypatch.setattr(ModelMemory, "changes", changes)
    return event


@pytest.mark.fault(28, 40)
def test_a_model_that_is_dropped_counts_until_no_job_uses_it(small, looked):
    async def load_beside_a_job():
        used = [await small.model("local:gpt2")]  # as a job has it that runs, or waits for its turn
        load = await small.start("local:bert")
        for _ in range(3):
            await looked.wait()
            looked.clear()
        before = load.reserved, small.memory.bytes, [card.state for card in small.cards() if card.id == "local:bert"]
        used.clear()
        await small.result_of(load)
        return before, small.memory.bytes_of_dropped

    size = small.settings.max_model_bytes
    (reserved, in_use, (state,)), left = together(load_beside_a_job)
    assert (reserved, state, left) == (False, "loading", 0)
    assert 0 < in_use <= size


@pytest.mark.fault(28, 40)
def test_a_load_is_refused_as_busy_if_jobs_use_other_models_for_too_long(small, monkeypatch):
    async def load_beside_a_job():
        used = await small.model("local:gpt2")
        monkeypatch.setattr(model_memory, "monotonic", count(0, small.settings.load_seconds / 2).__next__)
        with pytest.raises(
            Busy, match=r"local:bert takes [\d,]+ bytes .* Others take [\d,]+ and are in use, .*: try again"
        ):
            await small.model("local:bert")
        return used

    together(load_beside_a_job)


@pytest.mark.fault(28)
def test_a_cancelled_load_does_not_wait_for_memory_any_longer(small, looked):
    async def cancel():
        used = await small.model("local:gpt2")
        load = await small.start("local:bert")
        await looked.wait()
        small.cancel("local:bert")
        with pytest.raises(DownloadCancelled):
            await small.result_of(load)
        return used

    together(cancel)


def test_another_model_is_dropped_instead_of_one_that_is_used(models_dir, monkeypatch):
    monkeypatch.setattr(model_memory, "LOOK_SECONDS", 0.02)
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_model_bytes=bytes_of_two(models_dir))

    async def load_three():
        models = ModelCache(settings)
        used = await models.model("local:gpt2")  # the least recently used
        await models.model("local:bert")
        await models.model("local:bert-masked")
        return used, sorted(models.loads), models.memory.bytes

    _, loaded, in_use = together(load_three)
    assert loaded == ["local:bert-masked"]
    assert in_use <= settings.max_model_bytes


@pytest.mark.fault(20, 23, 40)
def test_a_reload_lets_go_of_a_model_that_is_dropped_while_it_waits(small, monkeypatch):
    """Otherwise the reload and the load of the other model would wait for each other."""
    begun, go_on = Event(), Event()
    monkeypatch.setattr(
        model_cache, "find_folder", lambda *given: begun.set() or (go_on.wait(60) and find_folder(*given))
    )

    async def reload_and_load_another():
        go_on.set()
        await small.model("local:gpt2")
        go_on.clear()
        begun.clear()
        reload = await small.reload("local:gpt2")
        await asyncio.to_thread(begun.wait, 60)
        monkeypatch.setattr(model_cache, "find_folder", find_folder)
        small.checks = WorkerPool(2, 2, abandon=True)  # the reload is still in the other one
        await small.model("local:bert")
        go_on.set()
        await small.result_of(reload)
        return sorted(small.loads)

    assert together(lambda: asyncio.wait_for(reload_and_load_another(), 60)) == ["local:gpt2"]


@pytest.mark.fault(21, 40)
def test_a_small_model_does_not_overtake_a_larger_one_that_waits_for_room(small, looked):
    async def load_after_each_other():
        used = [await small.model("local:bert")]
        large = await small.start("local:gpt2")
        later = await small.start("local:bert-masked")  # it would fit beside the model that is used
        for _ in range(4):
            await looked.wait()
            looked.clear()
        waiting = large.reserved, later.reserved
        used.clear()
        await small.result_of(large)
        del large  # it would keep the model
        await small.result_of(later)
        return waiting

    assert together(lambda: asyncio.wait_for(load_after_each_other(), 60)) == (False, False)


@pytest.mark.fault(20, 23, 39)
def test_a_reload_and_a_load_of_the_same_model_both_end_where_one_fits(small, looked, monkeypatch):
    begun, go_on = Event(), Event()

    def slowly(*given):
        begun.set()
        assert go_on.wait(60)
        return find_folder(*given)

    async def reload_and_load():
        await small.model("local:gpt2")
        monkeypatch.setattr(model_cache, "find_folder", slowly)
        both = [asyncio.create_task(end_of(await small.reload("local:gpt2")))]
        await asyncio.to_thread(begun.wait, 60)
        monkeypatch.setattr(model_cache, "find_folder", find_folder)
        small.checks = WorkerPool(2, 2, abandon=True)
        used = [await small.model("local:bert")]  # the other one is dropped
        go_on.set()
        both.append(asyncio.create_task(end_of(await small.start("local:gpt2"))))
        await looked.wait()
        used.clear()
        return await asyncio.gather(*both)

    async def end_of(load):
        """Without keeping the model. If the load comes first, the reload does not fit beside it."""
        with suppress(ModelTooLarge):
            await small.result_of(load)
        return load.ready or isinstance(load.failed, ModelTooLarge)

    assert together(lambda: asyncio.wait_for(reload_and_load(), 60)) == [True, True]


@pytest.mark.fault(20, 23, 40)
def test_a_certificate_needs_no_second_load_of_a_model_that_was_dropped(small, monkeypatch):
    certify = MorePasses.certify

    async def after_another_load(passes, model, capture):
        await passes.models.start("local:bert")
        while "local:gpt2" in passes.models.loads:  # noqa: ASYNC110 - the other load drops it
            await asyncio.sleep(0.01)
        return await certify(passes, model, capture)

    async def verify():
        request = DumpRequest(Prompt("the cat", model="local:gpt2"), verify=True)
        return await dump(Runner(small.settings), request, "npz", None)

    monkeypatch.setattr(MorePasses, "certify", after_another_load)
    assert together(lambda: asyncio.wait_for(verify(), 60)).facts["certificate"]


@pytest.mark.fault(39, 40)
def test_the_model_before_a_reload_counts_until_no_job_uses_it(models_dir):
    async def reload():
        models = ModelCache(Settings(model="local:gpt2", models_dir=models_dir))
        used = [await models.model(None)]
        size = models.memory.bytes
        await models.result_of(await models.reload("local:gpt2"))
        both = models.memory.bytes
        used.clear()
        gc.collect()
        await asyncio.sleep(0)
        return size, both, models.memory.bytes

    size, both, after = together(reload)
    assert (both, after) == (2 * size, size)
