"""Fixtures of several test folders: models, settings, clients and a hub."""

import asyncio
import os
import signal

import hypothesis
import pytest

from headscope.settings import Settings

# torch is imported inside the fixtures: the xdist controller does not need it. Its threads sleep while they wait, as in
# the server: where two processes of tests share two cores, threads that do not sleep keep the others from working.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# No time limit per example, because machines differ, and the same examples in every run.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")

# A program that is started in the background, or by nohup, ignores these signals, and so do the processes that it
# starts: the tests that send them would wait for nothing.
for number, action in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, action)


@pytest.fixture(autouse=True)
def loop(request):
    """Playwright leaves a paused event loop in this thread between two browser tests, and asyncio takes it for a
    running one. This fixture hides it from all other tests."""
    paused = None if request.path.parent.name == "browser" else asyncio._get_running_loop()
    if paused:
        asyncio._set_running_loop(None)
    yield
    if paused:
        asyncio._set_running_loop(paused)


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory):
    """A folder of tiny models with random weights: local:gpt2, local:bert, local:bert-masked."""
    from worlds import TINY, write_tiny

    top = tmp_path_factory.mktemp("models")
    for kind in TINY:
        write_tiny(top / kind, kind)
    return top


def load_entry(model_id, models_dir=None):
    from headscope.models.loading import load
    from headscope.models.registry import Catalogue, folder_of

    entry = Catalogue(models_dir).lookup(model_id)
    return load(folder_of(entry), entry.card, sha256=entry.sha256)


@pytest.fixture(scope="session")
def loaded(models_dir):
    """model id -> LoadedModel, each loaded once."""
    models = {}

    def get(model_id):
        if model_id not in models:
            models[model_id] = load_entry(model_id, models_dir)
        return models[model_id]

    return get


@pytest.fixture
def fresh(models_dir):
    """model id -> a new LoadedModel that the test may change."""
    return lambda model_id: load_entry(model_id, models_dir)


@pytest.fixture
def settings(models_dir):
    return Settings(model="local:gpt2", models_dir=models_dir)


@pytest.fixture(scope="session")
def url():
    """The address of a live server with gpt2-mini, without downloads."""
    from worlds import live

    with live(Settings(model="gpt2-mini", downloads=False)) as address:
        yield address


@pytest.fixture
def client(settings):
    from worlds import serving

    with serving(settings) as client:
        yield client


@pytest.fixture
def no_collector():
    """Without the garbage collector: what is in a cycle of references stays in memory."""
    import gc

    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with team/tiny and team/other, and an empty cache."""
    from fakehub import fake_hub
    from huggingface_hub import constants
    from worlds import write_tiny

    with fake_hub(
        team__tiny=write_tiny(tmp_path / "tiny", "gpt2"), team__other=write_tiny(tmp_path / "other", "bert")
    ) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        file = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + file)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield hub
