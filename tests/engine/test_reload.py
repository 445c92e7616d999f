"""The files of a loaded model are watched, and a model can be loaded again from files that have changed."""

import os
import shutil
import threading

import pytest
from anyio.from_thread import start_blocking_portal
from model_files import bytes_in_memory, other_mode, write_unseen
from worlds import serving, write_tiny

from headscope.engine import load as steps
from headscope.engine import model_listing
from headscope.engine.model_cache import ModelCache
from headscope.errors import Busy, DownloadCancelled
from headscope.settings import Settings

pytestmark = pytest.mark.fault(39)

MINE, TEXT = "local:mine", "the cat sat"
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
def folder(tmp_path):
    write_tiny(tmp_path / "models" / "other", "gpt2")
    return write_tiny(tmp_path / "models" / "mine", "gpt2")


@pytest.fixture
def client(folder):
    with serving(Settings(model="local:other", models_dir=folder.parent)) as client:
        assert client.post("/api/v1/models/load", json={"model": MINE}).is_success
        yield client


def card_of(client, model_id=MINE):
    return next(card for card in client.get("/api/v1/models").json()["models"] if card["id"] == model_id)


def reload(client, model_id=MINE, **options):
    return client.post("/api/v1/models/reload", json={"model": model_id}, **options)


def capture(client, text=TEXT):
    return client.post("/api/v1/captures", json={"text": text, "model": MINE}).json()


def weights(client, capture_id):
    return client.get(f"/api/v1/captures/{capture_id}/heads/1/2?format=npy").content


def replace_weights(folder, seed=1):
    """Other weights under the same name, as a training run saves them."""
    import torch
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    make = torch.Generator().manual_seed(seed)
    changed = {name: torch.randn(w.shape, generator=make) * 0.3 for name, w in load_file(path).items()}
    save_file(changed, folder / "new", {"format": "pt"})
    (folder / "new").replace(path)


def test_a_write_after_another_mode_is_noticed(client, folder):
    path = folder / "config.json"
    other_mode(path)
    assert card_of(client)["changed_on_disk"] is False
    write_unseen(path)
    assert card_of(client)["changed_on_disk"] is True


@pytest.mark.parametrize("model_id", ["minilm", "gpt2-mini"])
def test_a_bundled_model_that_was_just_loaded_has_not_changed(client, model_id):
    """Also not because of files in its folder that are not read."""
    assert client.post("/api/v1/models/load", json={"model": model_id}).is_success
    assert card_of(client, model_id)["changed_on_disk"] is False


@pytest.mark.fault(39, decides=True)
@pytest.mark.parametrize(
    ("how", "name"),
    [
        ("touched", "config.json"),
        ("replaced", "tokenizer.json"),
        ("longer", "model.safetensors"),
        ("deleted", "tokenizer.json"),
        ("deleted", "config.json"),
    ],
)
def test_a_changed_file_is_shown_on_the_card(client, folder, name, how):
    assert (card_of(client)["state"], card_of(client)["changed_on_disk"]) == ("ready", False)
    path = folder / name
    if how == "touched":
        os.utime(path, ns=(1, 1))
    elif how == "replaced":  # the same bytes and times in another file
        shutil.copy2(path, folder / "copy")
        (folder / "copy").replace(path)
    elif how == "longer":
        before = path.stat()
        with path.open("ab") as file:
            file.write(b" ")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        path.unlink()
    card = card_of(client)
    assert (card["state"], card["changed_on_disk"]) == ("ready", True)
    is_gone = (how, name) == ("deleted", "config.json")
    assert ("is gone" if is_gone else "changed on disk since it was loaded: reload it") in card["why"]
    assert client.post("/api/v1/models/load", json={"model": MINE}).json()["state"] == "ready"


def test_the_old_weights_serve_until_the_reload_and_old_captures_keep_their_numbers(client, folder):
    before = capture(client)
    numbers = weights(client, before["id"])
    replace_weights(folder)
    assert capture(client)["id"] == before["id"]
    card = reload(client).json()
    assert (card["state"], card["changed_on_disk"], "why" in card) == ("ready", False, False)
    assert card["revision"] != before["model"]["revision"]
    assert card_of(client) == card
    after = capture(client)
    assert after["id"] != before["id"]
    assert weights(client, after["id"]) != numbers
    assert weights(client, before["id"]) == numbers


def test_norms_of_a_capture_of_the_old_weights_are_not_computed_with_the_new_ones(client, folder):
    before = capture(client)
    replace_weights(folder)
    assert reload(client).is_success
    refused = client.get(f"/api/v1/captures/{before['id']}/norms/0")
    assert (refused.status_code, refused.json()["code"]) == (404, "capture_gone")
    assert "loaded again from other files" in refused.json()["detail"]


def test_a_reload_that_fails_keeps_the_old_model_and_says_why(client, folder):
    before = capture(client)
    (folder / "new").write_bytes(b"broken")
    (folder / "new").replace(folder / "model.safetensors")
    refused = reload(client)
    assert (refused.status_code, refused.json()["code"]) == (422, "corrupt_model")
    card = card_of(client)
    assert (card["state"], card["changed_on_disk"]) == ("ready", True)
    assert refused.json()["detail"] in card["why"]
    assert capture(client, "a dog")["model"]["revision"] == before["model"]["revision"]


def test_the_events_of_a_reload_end_with_the_card_or_the_problem(client, folder):
    replace_weights(folder)
    body = reload(client, headers=EVENTS).text
    assert body.startswith("event: progress")
    assert '"revision":' in body.split("event: ready")[1]
    (folder / "config.json").write_text("{")
    assert '"code":"corrupt_model"' in reload(client, headers=EVENTS).text.split("event: error")[1]


def test_the_models_of_a_running_server_can_be_reloaded_whatever_their_source(hub, settings):
    with serving(settings) as client:
        for model_id in ("gpt2-mini", "team/tiny", "local:gpt2"):
            assert client.post("/api/v1/models/load", json={"model": model_id}).is_success
            assert reload(client, model_id).json()["id"] == model_id
        assert reload(client, "local:nobody").status_code == 404


def test_a_new_revision_on_the_hub_is_downloaded_by_a_reload(hub, settings, monkeypatch):
    with serving(settings) as client:
        before = client.post("/api/v1/models/load", json={"model": "team/tiny"}).json()
        replace_weights(hub.repos["team/tiny"])
        monkeypatch.setattr("fakehub.COMMIT", "f" * 40)
        assert client.post("/api/v1/models/load", json={"model": "team/tiny"}).json() == before
        assert reload(client, "team/tiny").json()["revision"] != before["revision"]


@pytest.mark.fault(15, 39, 50)
def test_a_file_that_was_damaged_in_the_cache_of_the_hub_is_not_loaded_again(hub, settings, tmp_path):
    with serving(settings) as client:
        before = client.post("/api/v1/models/load", json={"model": "team/tiny"}).json()
        weights = next((tmp_path / "cache").rglob("snapshots/*/model.safetensors"))
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)  # into the blob that the link names
        refused = reload(client, "team/tiny")
        assert (refused.status_code, refused.json()["code"]) == (422, "corrupt_model")
        assert "remove the model from the cache (`hf cache rm`)" in refused.json()["detail"]
        card = card_of(client, "team/tiny")
        assert (card["state"], card["revision"], card["changed_on_disk"]) == ("ready", before["revision"], True)


def test_a_model_that_is_not_loaded_is_loaded_by_a_reload(client):
    assert card_of(client, "local:other")["state"] in ("ready", "loading", "available")
    assert reload(client, "local:other").json()["state"] == "ready"


def test_on_a_shared_server_a_reload_requires_the_key(folder):
    settings = Settings(model=MINE, models_dir=folder.parent, host="0.0.0.0", api_key="0123456789-abcdef")
    with serving(settings) as client:
        assert reload(client).status_code == 401
        assert reload(client, headers={"Authorization": "Bearer 0123456789-abcdef"}).is_success


def test_a_reload_that_does_not_fit_beside_the_loaded_model_says_what_it_takes(folder):
    settings = Settings(model=MINE, models_dir=folder.parent, max_model_bytes=int(1.5 * bytes_in_memory(folder)))
    with serving(settings) as client:
        assert client.post("/api/v1/models/load", json={"model": MINE}).is_success
        refused = reload(client)
        assert (refused.status_code, refused.json()["code"]) == (413, "model_too_large")
        assert "the old and the new one take" in refused.json()["detail"]
        assert capture(client)["id"]


def test_callers_share_a_reload_and_others_use_the_old_model_meanwhile(folder, monkeypatch):
    reads, go_on, real = [], threading.Event(), steps.read_model

    def slow(load, *rest):
        reads.append(load)
        if len(reads) > 1:
            assert go_on.wait(30)
        return real(load, *rest)

    monkeypatch.setattr("headscope.engine.model_cache.read_model", slow)

    async def crowd():
        models = ModelCache(Settings(model=MINE, models_dir=folder.parent))
        old = await models.model(MINE)
        reloads = [await models.reload(MINE) for _ in range(50)]
        assert len(set(map(id, reloads))) == 1
        assert await models.model(MINE) is old
        go_on.set()
        new = await models.result_of(reloads[0])
        assert await models.model(MINE) is new is not old
        return len(reads)

    with start_blocking_portal() as portal:
        assert portal.call(crowd) == 2


def test_a_reload_that_is_cancelled_before_it_begins_does_not_stop_the_next(folder):
    async def use():
        models = ModelCache(Settings(model=MINE, models_dir=folder.parent))
        old = await models.model(MINE)
        cancelled = await models.reload(MINE)
        models.cancel(MINE)
        with pytest.raises(DownloadCancelled):
            await models.result_of(cancelled)
        assert models.reloads == {}
        return await models.result_of(await models.reload(MINE)) is not old

    with start_blocking_portal() as portal:
        assert portal.call(use)


@pytest.fixture
def hanging(monkeypatch):
    """A disk that does not answer until the event is set."""
    go_on = threading.Event()
    look, lookup = model_listing.look_at_disk, model_listing.Catalogue.lookup
    monkeypatch.setattr(model_listing, "DISK_SECONDS", 0.05)
    monkeypatch.setattr(model_listing, "look_at_disk", lambda *given: go_on.wait(30) and look(*given))
    monkeypatch.setattr(model_listing.Catalogue, "lookup", lambda *given: go_on.wait(30) and lookup(*given))
    yield go_on
    go_on.set()


@pytest.mark.fault(43, 45)
def test_a_file_system_that_does_not_answer_leaves_the_list_and_the_other_models_usable(folder, hanging, monkeypatch):
    async def use():
        models = ModelCache(Settings(model="minilm", models_dir=folder.parent))
        await models.refresh()
        assert not models.listing.running_look.done(), "it has not waited for the disk"
        assert [card.id for card in models.cards()][:2] == ["minilm", "gpt2-mini"]
        with pytest.raises(Busy, match="is its file system connected"):
            await models.start(MINE)
        assert (await models.start("gpt2-mini")).entry.card.id == "gpt2-mini"
        models.loads["gpt2-mini"].task.cancel()
        monkeypatch.setattr(model_listing, "DISK_SECONDS", 60)
        hanging.set()
        await models.refresh()
        return [card.id for card in models.cards()]

    with start_blocking_portal() as portal:
        assert MINE in portal.call(use)
