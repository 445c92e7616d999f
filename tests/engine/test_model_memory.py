"""The memory of models: HEADSCOPE_MAX_MODEL_BYTES is kept while they are loaded, and after a load that failed."""

import asyncio
import gc
import shutil
import weakref

import pytest
from anyio.from_thread import start_blocking_portal
from architectures import ARCHITECTURES
from model_files import bytes_in_memory, bytes_of_weights

from headscope.engine import model_cache
from headscope.engine.load import read_model
from headscope.engine.model_cache import ModelCache
from headscope.engine.worker_pool import WorkerPool
from headscope.errors import ModelTooLarge, WeightsDoNotFit
from headscope.models import loading
from headscope.settings import Settings

WEIGHTS_BYTES = 4 * (300 * 24 + 40 * 24 + 3 * (12 * 24**2 + 13 * 24) + 2 * 24)


def together(work):
    """Run a coroutine in a thread of its own: the browser tests leave an event loop running in this one."""
    with start_blocking_portal() as portal:
        return portal.call(work)


def bytes_of_two(models_dir):
    """Enough for any two of the tiny models, but not for all three."""
    sizes = sorted(bytes_in_memory(models_dir / name) for name in ("gpt2", "bert", "bert-masked"))
    return sum(sizes[1:])


def test_the_least_recently_used_model_is_dropped(models_dir):
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_model_bytes=bytes_of_two(models_dir))

    async def load_three():
        models = ModelCache(settings)
        for model_id in ("local:gpt2", "local:bert", "local:gpt2", "local:bert-masked"):
            await models.model(model_id)
        await models.refresh()
        return {card.id: card.state for card in models.cards() if card.source == "local"}

    assert together(load_three) == {"local:gpt2": "ready", "local:bert": "available", "local:bert-masked": "ready"}


@pytest.mark.fault(28)
def test_models_that_are_loaded_at_the_same_time_keep_the_limit(models_dir, monkeypatch):
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_model_bytes=bytes_of_two(models_dir))
    in_use, models = [], ModelCache(settings)
    monkeypatch.setattr(
        model_cache, "read_model", lambda *given: in_use.append(models.memory.bytes) or read_model(*given)
    )

    async def load(name):
        await models.model(f"local:{name}")  # which is not used

    async def load_three():
        models.reads = WorkerPool(3, 3, abandon=True)
        await asyncio.gather(*map(load, ("gpt2", "bert", "bert-masked")))
        in_use.append(models.memory.bytes)

    together(load_three)
    assert len(in_use) == 4
    assert 0 < min(in_use) <= max(in_use) <= settings.max_model_bytes


def test_a_model_above_the_limit_is_refused_before_it_is_read(models_dir):
    needed = WEIGHTS_BYTES + 15 * (models_dir / "gpt2" / "tokenizer.json").stat().st_size
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_model_bytes=needed - 1)

    async def load():
        models = ModelCache(settings)
        with pytest.raises(ModelTooLarge, match=rf"takes {needed:,} bytes in memory, HEADSCOPE_MAX_MODEL_BYTES"):
            await models.model(None)
        return models.default

    assert together(load).state == "failed"


@pytest.mark.fault(17)
def test_weights_that_are_merged_count_twice_until_the_model_is_loaded(tmp_path, models_dir):
    ARCHITECTURES["jamba"].build().save_pretrained(tmp_path / "jamba")
    shutil.copy(models_dir / "bert" / "tokenizer.json", tmp_path / "jamba")
    loaded = bytes_in_memory(tmp_path / "jamba")
    needed = loaded + bytes_of_weights(tmp_path / "jamba")

    async def bytes_after(limit):
        models = ModelCache(Settings(model="local:jamba", models_dir=tmp_path, max_model_bytes=limit))
        await models.model(None)
        return models.loads["local:jamba"].bytes

    with pytest.raises(ModelTooLarge, match=rf"takes {needed:,} bytes in memory"):
        together(lambda: bytes_after(needed - 1))
    assert together(lambda: bytes_after(needed)) == loaded


@pytest.mark.fault(17, 28)
def test_a_load_that_fails_keeps_no_weights(models_dir, monkeypatch):
    read = []

    def fail(_, weights, __):
        read.extend(weakref.ref(weight) for weight in weights.values())
        raise WeightsDoNotFit("no model")

    monkeypatch.setattr(loading, "build", fail)

    async def failed():
        models = ModelCache(Settings(model="local:gpt2", models_dir=models_dir))
        with pytest.raises(WeightsDoNotFit):
            await models.model(None)
        with pytest.raises(WeightsDoNotFit):
            await models.result_of(models.loads["local:gpt2"])
        return models

    gc.collect()
    gc.disable()
    try:
        models = together(failed)
        assert read
        assert not [weight for weight in read if weight() is not None]
    finally:
        gc.enable()
    assert models.default.state == "failed"
