"""What more than one folder of tests needs: the models, and the application in front of them."""

import asyncio

import hypothesis
import pytest

from headscope.settings import Settings

# Torch comes with the fixture that needs it: the process that hands the tests out has none.

# How long an example takes is the machine's matter, and every run tries the same ones.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def loop(request):
    """Playwright's event loop stands still in its thread from one browser test to the next, and looks like one that
    runs: a test of anything else that comes between them starts its own."""
    standing = None if request.path.parent.name == "browser" else asyncio._get_running_loop()
    if standing:
        asyncio._set_running_loop(None)
    yield
    if standing:
        asyncio._set_running_loop(standing)


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
    """model id -> LoadedModel, each read once."""
    kept = {}

    def get(model_id):
        if model_id not in kept:
            kept[model_id] = load_entry(model_id, models_dir)
        return kept[model_id]

    return get


@pytest.fixture
def fresh(models_dir):
    """model id -> LoadedModel of this test's own, to change as it likes."""
    return lambda model_id: load_entry(model_id, models_dir)


@pytest.fixture
def settings(models_dir):
    return Settings(model="local:gpt2", models_dir=models_dir)


@pytest.fixture(scope="session")
def url():
    """The address of a server that answers over a socket, with gpt2-mini loaded, and asks no hub."""
    from worlds import live

    with live(Settings(model="gpt2-mini", downloads=False)) as address:
        yield address


@pytest.fixture
def client(settings):
    from worlds import serving

    with serving(settings) as client:
        yield client


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
