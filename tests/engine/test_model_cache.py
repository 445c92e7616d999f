"""Models are loaded once, bounded by memory, and downloaded from the hub on request."""

import asyncio
import json
import shutil
import threading

import pytest
from anyio.from_thread import start_blocking_portal
from worlds import serving, until, write_tiny

from headscope.engine.model_cache import ModelCache
from headscope.errors import ModelNotFound
from headscope.models.registry import Catalogue
from headscope.settings import Settings

REPO = "team/tiny"


def together(work):
    """Run a coroutine in a thread of its own: the browser tests leave an event loop running in this one."""
    with start_blocking_portal() as portal:
        return portal.call(work)


def read_events(body):
    blocks = [block.split("\n") for block in body.strip().split("\n\n")]
    return [(event.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for event, data in blocks]


@pytest.mark.parametrize(
    "model_id", ["gpt2", "owner/name", "google-bert/bert-base-cased@main", "gpt2@refs/pr/1", "a.b_c-d/e@v1.0"]
)
def test_an_id_of_the_hub_is_in_the_catalogue(model_id):
    entry = Catalogue().lookup(model_id)
    assert (entry.card.id, entry.card.source) == (model_id, "hub")
    assert "@".join(filter(None, (entry.repo, entry.revision))) == model_id


@pytest.mark.fault(11, 12)
@pytest.mark.parametrize(
    "model_id",
    [
        "",
        "../etc",
        "/etc/passwd",
        "a/b/c",
        "a/..",
        "a b",
        "a@",
        "@main",
        "ä",
        "a\0b",
        "a@../..",
        "a--b/c",
        "http://a/b",
    ],
)
def test_an_id_that_is_not_valid_on_the_hub_is_not_found_without_a_request(model_id):
    with pytest.raises(ModelNotFound, match="there are minilm, gpt2-mini"):
        Catalogue().lookup(model_id)


def test_a_known_model_of_the_hub_has_its_sizes_before_it_is_loaded():
    card = Catalogue().lookup("gpt2@main").card
    assert (card.layers, card.heads, card.d_model, card.state) == (12, 12, 768, "available")


def test_a_model_of_the_hub_is_loaded_by_name_and_listed_from_then_on(hub, settings):
    with serving(settings) as client:
        card = client.post("/api/v1/models/load", json={"model": f"{REPO}@main"}).json()
        assert (card["id"], card["source"], card["state"], card["layers"]) == (f"{REPO}@main", "hub", "ready", 3)
        assert card in client.get("/api/v1/models").json()["models"]
        answer = client.post("/api/v1/attention", json={"text": "the cat", "model": f"{REPO}@main"}).json()
        assert answer["model"] == card


def test_the_events_of_a_load_end_with_the_card(hub, settings):
    with serving(settings) as client:
        response = client.post("/api/v1/models/load", json={"model": REPO}, headers={"Accept": "text/event-stream"})
    *progress, (last, card) = read_events(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert {name for name, _ in progress} == {"progress"}
    assert all(set(answer) == {"stage", "bytes", "total"} for _, answer in progress)
    assert (last, card["state"]) == ("ready", "ready")


@pytest.mark.fault(19)
def test_the_events_of_a_load_that_fails_end_with_the_problem(hub, settings):
    hub.faults[REPO] = "gated"
    with serving(settings) as client:
        response = client.post("/api/v1/models/load", json={"model": REPO}, headers={"Accept": "text/event-stream"})
    last, problem = read_events(response.text)[-1]
    assert (last, problem["status"], problem["code"]) == ("error", 403, "model_gated")


def test_an_unknown_model_is_a_response_and_not_an_event(client):
    response = client.post(
        "/api/v1/models/load", json={"model": "local:nobody"}, headers={"Accept": "text/event-stream"}
    )
    assert (response.status_code, response.json()["code"]) == (404, "model_not_found")


def test_a_hanging_download_can_be_cancelled_and_started_again(hub, settings, monkeypatch):
    hub.faults[REPO] = "hangs"
    clients, result_of = [], ModelCache.result_of
    monkeypatch.setattr(ModelCache, "result_of", lambda *given: clients.append(given) or result_of(*given))
    with serving(settings) as client:
        answers = []

        def ask():
            answers.append(client.post("/api/v1/models/load", json={"model": REPO}))

        waiting = [threading.Thread(target=ask) for _ in range(2)]
        for thread in waiting:
            thread.start()
        assert hub.hanging.wait(30)
        until(lambda: sum(load.entry.card.id == REPO for _, load in clients) == 2)
        assert client.post("/api/v1/models/cancel", json={"model": REPO}).status_code == 200
        for thread in waiting:
            thread.join(60)
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(409, "download_cancelled")] * 2
        hub.faults.clear()
        hub.go_on.set()
        assert client.post("/api/v1/models/load", json={"model": REPO}).json()["state"] == "ready"


@pytest.mark.fault(20)
def test_requests_for_the_same_model_share_one_download(hub, settings):
    async def ask_often():
        models = ModelCache(settings)
        return await asyncio.gather(*(models.model(REPO) for _ in range(50)))

    assert len(set(map(id, together(ask_often)))) == 1
    assert sum(path.startswith("GET") and path.endswith("model.safetensors") for path in hub.asked) == 1


def test_a_shared_server_serves_the_allowed_hub_models_and_downloads_nothing_by_default(hub, models_dir):
    shared = {"model": "local:gpt2", "models_dir": models_dir, "host": "0.0.0.0", "insecure": True}
    with serving(Settings(**shared)) as client:
        refused = client.post("/api/v1/models/load", json={"model": REPO})
        assert (refused.status_code, refused.json()["code"]) == (404, "model_not_found")
    with serving(Settings(**shared, hub_models=(REPO,))) as client:
        refused = client.post("/api/v1/models/load", json={"model": REPO})
        assert "does not download models" in refused.json()["detail"]
    assert hub.asked == []
    with serving(Settings(**shared, hub_models=(REPO,), downloads=True)) as client:
        assert client.post("/api/v1/models/load", json={"model": REPO}).json()["state"] == "ready"
    with serving(Settings(**shared, hub_models=(REPO,))) as client:
        assert client.post("/api/v1/models/load", json={"model": REPO}).json()["state"] == "ready"
        assert client.post("/api/v1/models/load", json={"model": "team/other"}).status_code == 404


def listed(client):
    return {card["id"]: card for card in client.get("/api/v1/models").json()["models"]}


def test_a_hub_model_that_cannot_be_loaded_is_listed_as_failed_with_the_reason(hub, settings):
    hub.faults[REPO] = "gated"
    with serving(settings) as client:
        assert client.post("/api/v1/models/load", json={"model": REPO}).status_code == 403
        assert listed(client)[REPO]["state"] == "failed"
        assert "gated" in listed(client)[REPO]["why"]
        assert client.post("/api/v1/models/cancel", json={"model": REPO}).json() == listed(client)[REPO]
        hub.faults.clear()
        assert client.post("/api/v1/models/load", json={"model": REPO}).is_success
        assert (listed(client)[REPO]["state"], "why" in listed(client)[REPO]) == ("ready", False)


def test_a_hub_model_that_does_not_exist_is_not_listed(hub, settings):
    with serving(settings) as client:
        # The default model first: it is still being loaded when the server starts.
        assert client.post("/api/v1/models/load", json={"model": settings.model}).is_success
        before = client.get("/api/v1/models").json()
        assert client.post("/api/v1/models/load", json={"model": "team/nobody"}).status_code == 404
        assert client.get("/api/v1/models").json() == before


def test_only_the_latest_failures_of_hub_models_are_kept(hub, settings, monkeypatch):
    monkeypatch.setattr("headscope.engine.model_cache.FAILURES_KEPT", 2)
    hub.faults.update({REPO: "gated", "team/other": "gated"})
    ids = ["team/other", f"{REPO}@main", REPO]
    with serving(settings) as client:
        for model_id in ids:
            client.post("/api/v1/models/load", json={"model": model_id})
        assert [model_id for model_id in listed(client) if model_id in ids] == sorted(ids[1:])


def test_a_default_hub_model_that_cannot_be_loaded_says_why(hub, settings):
    hub.faults[REPO] = "gated"
    with serving(settings.model_copy(update={"model": REPO})) as client:
        assert client.post("/api/v1/models/load", json={"model": REPO}).status_code == 403
        assert "gated" in client.get("/readyz").json()["why"]


@pytest.mark.fault(45)
def test_a_loaded_model_whose_folder_is_deleted_stays_listed_and_usable(tmp_path):
    folder = write_tiny(tmp_path / "mine", "gpt2")
    write_tiny(tmp_path / "other", "gpt2")
    with serving(Settings(model="local:other", models_dir=tmp_path)) as client:
        before = client.post("/api/v1/models/load", json={"model": "local:mine"}).json()
        shutil.rmtree(folder)
        card = listed(client)["local:mine"]
        assert (card["state"], card["layers"]) == ("ready", before["layers"])
        assert "is gone" in card["why"]
        assert client.post("/api/v1/attention", json={"text": "the cat", "model": "local:mine"}).is_success
        assert client.post("/api/v1/models/cancel", json={"model": "local:mine"}).json() == card


@pytest.mark.fault(45)
def test_a_deleted_folder_that_is_not_loaded_is_not_listed(tmp_path):
    folder = write_tiny(tmp_path / "mine", "gpt2")
    write_tiny(tmp_path / "other", "gpt2")
    (folder / "tokenizer.json").unlink()
    with serving(Settings(model="local:other", models_dir=tmp_path)) as client:
        assert client.post("/api/v1/models/load", json={"model": "local:mine"}).status_code == 422
        assert listed(client)["local:mine"]["state"] == "failed"
        shutil.rmtree(folder)
        assert "local:mine" not in listed(client)
        assert client.post("/api/v1/models/load", json={"model": "local:mine"}).status_code == 404


def test_a_deleted_default_model_is_ready_while_it_is_loaded_and_failed_without_it(tmp_path):
    folder = write_tiny(tmp_path / "mine", "gpt2")
    settings = Settings(model="local:mine", models_dir=tmp_path)
    with serving(settings) as client:
        assert client.post("/api/v1/models/load", json={"model": "local:mine"}).is_success
        shutil.rmtree(folder)
        assert client.get("/readyz").status_code == 200

    async def look_again():
        models = ModelCache(settings)
        await models.refresh()
        return models.default

    default = together(look_again)
    assert (default.id, default.state) == ("local:mine", "failed")
    assert "no model 'local:mine'" in default.why


@pytest.mark.fault(45)
def test_the_models_are_listed_where_the_models_folder_itself_is_deleted(tmp_path):
    write_tiny(tmp_path / "models" / "mine", "gpt2")
    with serving(Settings(model="local:mine", models_dir=tmp_path / "models")) as client:
        assert client.post("/api/v1/models/load", json={"model": "local:mine"}).is_success
        shutil.rmtree(tmp_path / "models")
        assert {"minilm", "local:mine"} <= listed(client).keys()
