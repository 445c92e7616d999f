"""A model whose files are read slowly does not keep the only worker that reads models."""

import asyncio
import os
import signal
import threading
from contextlib import suppress

import pytest
from anyio.from_thread import start_blocking_portal

from headscope.engine.model_cache import ModelCache
from headscope.errors import Deadline, DownloadCancelled
from headscope.models import weights
from headscope.models.checker.process import CHECKER
from headscope.settings import Settings


@pytest.mark.fault(43)
def test_a_load_that_is_cancelled_while_it_reads_stops_at_the_next_block(models_dir, monkeypatch):
    begun, go_on, read, real = threading.Event(), threading.Event(), [], weights.read_tensor

    def slow(file, tensor, *rest):
        read.append(tensor.name)
        begun.set()
        assert go_on.wait(30)
        return real(file, tensor, *rest)

    monkeypatch.setattr(weights, "read_tensor", slow)

    async def cancel_and_load_another():
        models = ModelCache(Settings(model="local:gpt2", models_dir=models_dir))
        load = await models.start(None)
        await asyncio.to_thread(begun.wait, 30)
        models.cancel("local:gpt2")
        with pytest.raises(DownloadCancelled, match=r"^the load was cancelled$"):  # there is no download to continue
            await models.result_of(load)
        go_on.set()
        await models.model("local:bert")

    with start_blocking_portal() as portal:
        portal.call(cancel_and_load_another)
    assert len([name for name in read if name.startswith("transformer.")]) == 1


@pytest.mark.fault(23)
def test_reading_the_weights_has_a_deadline(models_dir):
    async def load():
        await ModelCache(Settings(model="local:gpt2", models_dir=models_dir, load_seconds=1e-9)).model(None)

    with start_blocking_portal() as portal, pytest.raises(Deadline, match="raise HEADSCOPE_LOAD_SECONDS"):
        portal.call(load)


@pytest.mark.fault(43, 46)
def test_a_bundled_model_does_not_wait_for_the_check_of_another(models_dir):
    CHECKER.config(b"{}", "config.json")  # the process runs
    stopped = CHECKER.process.pid

    async def load_both():
        models = ModelCache(Settings(model="local:gpt2", models_dir=models_dir))
        checked = await models.start("local:gpt2")
        await models.model("gpt2-mini")
        assert not checked.task.done(), "the check was still running"
        os.kill(stopped, signal.SIGCONT)
        return await models.result_of(checked)

    os.kill(stopped, signal.SIGSTOP)
    try:
        with start_blocking_portal() as portal:
            assert portal.call(load_both).card.id == "local:gpt2"
    finally:
        with suppress(ProcessLookupError):
            os.kill(stopped, signal.SIGCONT)


@pytest.mark.fault(22)
def test_a_caller_that_is_cancelled_together_with_the_load_is_cancelled(settings):
    async def cancel_both():
        models = ModelCache(settings)
        load = await models.start(None)
        caller = asyncio.create_task(models.result_of(load))
        await asyncio.sleep(0)
        models.cancel(settings.model)
        caller.cancel()
        await asyncio.wait({caller})
        return caller.cancelled()

    assert asyncio.run(cancel_both())


@pytest.mark.fault(21)
def test_a_model_that_is_loaded_is_there_in_the_same_turn_of_the_event_loop(settings):
    """Otherwise, requests that arrive meanwhile are looked at before this one is in the queue."""

    async def ask_again():
        models = ModelCache(settings)
        loaded = await models.model(None)
        with pytest.raises(StopIteration) as returned:
            models.model(None).send(None)  # it would return a future if it waited
        return returned.value.value is loaded

    assert asyncio.run(ask_again())
