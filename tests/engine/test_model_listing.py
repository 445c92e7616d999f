"""The list of models is read from the disk once for many requests, and beside the loads."""

import asyncio
import os
import threading

import pytest
from anyio.from_thread import start_blocking_portal
from worlds import write_tiny

from headscope.engine import model_listing
from headscope.engine.model_cache import ModelCache
from headscope.engine.runner import Runner
from headscope.settings import Settings


@pytest.mark.fault(45)
def test_requests_for_the_list_share_a_look_and_a_load_does_not_wait_for_it(models_dir, monkeypatch):
    go_on, looks = threading.Event(), []
    look = model_listing.look_at_disk
    monkeypatch.setattr(model_listing, "DISK_SECONDS", 20)
    monkeypatch.setattr(model_listing, "look_at_disk", lambda *given: looks.append(go_on.wait(30)) or look(*given))

    async def crowd():
        models = ModelCache(Settings(model="minilm", models_dir=models_dir))
        lists = [asyncio.create_task(models.refresh()) for _ in range(50)]
        found = await models.listing.find("local:gpt2")
        waited = [task.done() for task in lists]
        go_on.set()
        await asyncio.gather(*lists)
        return found.card.id, any(waited), len(looks)

    with start_blocking_portal() as portal:
        assert portal.call(crowd) == ("local:gpt2", False, 1)


@pytest.mark.fault(39)
def test_the_sweep_looks_at_the_files(tmp_path, monkeypatch):
    monkeypatch.setattr(model_listing, "DISK_SECONDS", 60)  # on a busy machine, a look takes long
    folder = write_tiny(tmp_path / "mine", "gpt2")

    async def sweep_once():
        runner = Runner(Settings(model="local:mine", models_dir=tmp_path))
        await runner.model(None)
        os.utime(folder / "config.json", ns=(1, 1))
        looked = asyncio.Event()
        monkeypatch.setattr(runner.captures, "drop_expired", looked.set)  # what the sweep does next
        sweep = asyncio.create_task(runner.sweep())
        await looked.wait()
        sweep.cancel()
        return runner.models.default

    with start_blocking_portal() as portal:
        assert portal.call(sweep_once).changed_on_disk
