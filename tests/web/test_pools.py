"""Each kind of work has its own worker pool: one that hangs stops no other."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import httpx2
import pytest
from anyio import to_thread
from worlds import disconnect_when, live, running, serving, until

from headscope.engine import model_cache
from headscope.main import create_app
from headscope.models.loading import LoadedModel

TEXT = "The cat sat on the mat."
CAPTURES = "/api/v1/captures"
LOAD = "/api/v1/models/load"
EVENTS = {"Accept": "text/event-stream"}
FIND_FOLDER = model_cache.find_folder

pytestmark = pytest.mark.fault(43)


@pytest.mark.fault(43, decides=True)
def test_loads_from_a_hub_that_hangs_stop_no_page_no_health_check_and_no_local_model(settings, monkeypatch):
    released, hanging, find_folder = Event(), [], model_cache.find_folder

    def hang(entry, settings, progress):
        if entry.repo is None:
            return find_folder(entry, settings, progress)
        hanging.append(entry.repo)
        released.wait(60)
        raise FileNotFoundError

    monkeypatch.setattr(model_cache, "find_folder", hang)
    with live(settings) as url, ThreadPoolExecutor(45) as clients:

        def load(number):
            return httpx2.post(f"{url}{LOAD}", json={"model": f"team/model-{number}"}, timeout=60).status_code

        loads = [clients.submit(load, number) for number in range(45)]
        until(lambda: len(hanging) == model_cache.HUB_WORKERS and sum(load.done() for load in loads) == 9)
        for path in ("/", "/readyz", "/static/js/main.js", "/docs/glossary"):
            assert httpx2.get(f"{url}{path}", timeout=30).status_code == 200
        local = httpx2.post(f"{url}{LOAD}", json={"model": "local:bert"}, timeout=30)
        assert (local.status_code, local.json()["state"]) == (200, "ready")
        released.set()
        assert sorted({load.result() for load in loads}) == [500, 503]


LOADS = {
    "stream": ("captures", {"text": TEXT}, EVENTS),
    "json": ("captures", {"text": TEXT}, {}),
    "estimate": ("estimate", {"text": TEXT}, {}),
    "attention": ("attention", {"text": TEXT}, {}),
    "probe": ("probes/induction", {}, {}),
    "load": ("models/load", {}, {}),
    "size": ("models/size", {}, {}),
}


@pytest.mark.fault(22)
@pytest.mark.parametrize(("path", "body", "headers"), LOADS.values(), ids=LOADS)
def test_a_request_that_waits_for_a_model_ends_when_its_client_leaves(settings, monkeypatch, path, body, headers):
    released, hanging = Event(), []

    def hang(entry, *given):
        if entry.card.id == "local:bert":
            hanging.append(entry)
            released.wait(100)
        return FIND_FOLDER(entry, *given)

    monkeypatch.setattr(model_cache, "find_folder", hang)
    monkeypatch.setattr(model_cache, "sizes_of", hang)
    app = create_app(settings)
    with running(app, settings) as (url, server):
        disconnect_when(lambda: hanging, url, f"/api/v1/{path}", {**body, "model": "local:bert"}, headers)
        until(lambda: not server.server_state.tasks)  # while the load goes on
        released.set()
        loaded = httpx2.post(f"{url}{LOAD}", json={"model": "local:bert"}, timeout=60)
        assert loaded.json()["state"] == "ready"
        assert len(hanging) == 1 + (path == "models/size")  # the load was not begun again


@contextmanager
def hanging_tokenizers(monkeypatch):
    """Within the `with`, the tokenizers of models that are not bundled hang. Yields the texts that they were given."""
    tokens, released, texts = LoadedModel.tokens, Event(), []

    def hang(model, text, *arguments, **options):
        if model.card.source != "bundled":
            texts.append(text)
            released.wait(60)
        return tokens(model, text, *arguments, **options)

    monkeypatch.setattr(LoadedModel, "tokens", hang)
    try:
        yield texts
    finally:
        released.set()


@pytest.mark.fault(23, 46)
@pytest.mark.parametrize(
    ("path", "headers"), [("estimate", {}), ("captures", {}), ("captures", EVENTS), ("attention", {})]
)
def test_tokenizers_that_hang_end_at_their_deadline_and_stop_no_bundled_model(settings, monkeypatch, path, headers):
    with serving(settings) as client, hanging_tokenizers(monkeypatch) as texts:
        bundled = {"text": TEXT, "model": "gpt2-mini"}
        assert client.post(CAPTURES, json=bundled).status_code == 201
        monkeypatch.setattr("headscope.engine.pools.TOKENIZING_SECONDS", 0.2)
        for number in range(3):  # one more than there are workers
            text = f"{TEXT} {number}"
            answer = client.post(f"/api/v1/{path}", json={"text": text, "model": "local:gpt2"}, headers=headers)
            assert '"deadline"' in answer.text
            assert answer.status_code == (200 if headers else 504)
        assert len(texts) == 2
        for other in ("captures", "attention", "estimate"):
            assert client.post(f"/api/v1/{other}", json={**bundled, "text": f"{TEXT} {other}"}).is_success


@pytest.mark.fault(27)
def test_a_tokenizer_that_hangs_does_not_delay_the_end_of_the_server(settings, monkeypatch):
    monkeypatch.setattr("headscope.web.server.FINISH_SECONDS", 600)
    monkeypatch.setattr("headscope.engine.pools.LAST_SECONDS", 0.1)
    with ThreadPoolExecutor(1) as clients, hanging_tokenizers(monkeypatch) as texts:
        with running(create_app(settings), settings) as (url, server):
            body = {"text": TEXT, "model": "local:gpt2"}
            answer = clients.submit(httpx2.post, f"{url}/api/v1/estimate", json=body, timeout=60)
            until(lambda: texts)
            server.stop()
            until(lambda: server.should_exit)
        assert answer.result().status_code == 504


@contextmanager
def busy_default_threads(client):
    """Within the `with`, all threads that anyio shares among callers without a pool of their own are busy."""

    async def take():
        limiter = to_thread.current_default_thread_limiter()
        while limiter.available_tokens:
            limiter.acquire_on_behalf_of_nowait(object())

    client.portal.call(take)
    yield


def test_no_work_of_ours_takes_a_thread_of_the_framework(settings):
    with serving(settings) as client, busy_default_threads(client):
        assert client.post(LOAD, json={"model": "local:gpt2"}).status_code == 200
        assert client.post(CAPTURES, json={"text": TEXT}, headers=EVENTS).text.count("event: layer") == 3
        location = client.post(CAPTURES, json={"text": TEXT}).headers["location"]
        for path in ("overview", "heads/0/0", "heads/0/0?words=true", "norms/0", "dump", "scores", "similarity"):
            assert client.get(f"{location}/{path}").status_code == 200
        for path in ("attention", "estimate"):
            assert client.post(f"/api/v1/{path}", json={"text": TEXT}).status_code == 200
        assert client.post("/api/v1/probes/induction", json={}).status_code == 200


def test_the_length_of_the_queue_of_each_pool_is_in_the_metrics(client):
    pools = "model", "reader", "thumbnail", "converter", "tokenizer", "analysis", "long_analysis"
    pools += "hub", "check", "build", "load", "disk", "folder"
    metrics = client.get("/metrics").text
    assert all(f'headscope_waiting{{for="{pool}"}} ' in metrics for pool in pools)
