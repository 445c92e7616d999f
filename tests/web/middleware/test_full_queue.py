"""New texts for a full queue are refused before the framework does anything for them (fault 21)."""

import json

import pytest
from worlds import serving

from headscope.engine.runner import Runner
from headscope.settings import Settings

CAPTURES = "/api/v1/captures"
JSON = {"Content-Type": "application/json"}
NEW = {"text": "a text that is not captured"}


@pytest.fixture
def full(client):
    """A client whose server has captured one text, and whose queue is full from then on."""
    assert client.post(CAPTURES, json={"text": "a captured text"}).status_code == 201
    client.app.state.runner.queues.model.max_waiting = -1  # nothing may run
    return client


@pytest.fixture
def prepared(monkeypatch):
    """The prompts that have reached an endpoint."""
    prompts, prepare = [], Runner.prepare
    monkeypatch.setattr(Runner, "prepare", lambda self, prompt: prompts.append(prompt) or prepare(self, prompt))
    return prompts


def in_parts(body):
    """The body of a request without Content-Length."""
    yield json.dumps(body).encode()


def without_date(answer):
    return {name: value for name, value in answer.headers.items() if name != "date"}


@pytest.mark.fault(21, decides=True)
@pytest.mark.parametrize("query", ["", "?cells=48&bend=sqrt"])
@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/event-stream"])
def test_a_new_text_does_not_reach_the_endpoint(full, prepared, query, accept):
    answer = full.post(CAPTURES + query, json=NEW, headers={"Accept": accept})
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert int(answer.headers["retry-after"]) > 0
    assert prepared == []


@pytest.mark.fault(21)
def test_the_refusal_is_the_same_as_that_of_the_endpoint(full, prepared):
    early = full.post(CAPTURES, json=NEW)
    assert prepared == []
    late = full.post(CAPTURES, content=in_parts(NEW), headers=JSON)
    assert len(prepared) == 1
    assert (early.status_code, early.text, without_date(early)) == (late.status_code, late.text, without_date(late))


@pytest.mark.fault(21)
def test_a_captured_text_is_answered(full):
    assert full.post(CAPTURES, json={"text": "a captured text"}).status_code == 200


@pytest.mark.fault(21)
def test_a_refusal_counts_for_the_endpoint_and_once(full):
    assert full.post(CAPTURES, json=NEW).status_code == 503
    lines = full.get("/metrics").text.splitlines()
    assert f'headscope_requests_total{{method="POST",route="{CAPTURES}",status="503"}} 1.0' in lines
    assert 'headscope_jobs_refused_total{kind="run"} 1.0' in lines


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b'{"text": ', JSON, 400, "invalid_json"),
        (b'{"text": "a", "text": "b"}', JSON, 422, "invalid_input"),
        (b'{"text": "a", "colour": 1}', JSON, 422, "invalid_input"),
        (b'{"text": 5}', JSON, 422, "invalid_input"),
        (b'{"text": " "}', JSON, 422, "empty_text"),
        (b"", JSON, 422, "invalid_input"),
        (b'{"text": "a"}', {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b'{"text": "a"}', {**JSON, "Origin": "http://evil.example"}, 403, "cross_origin"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_although_the_queue_is_full(full, body, headers, status, code):
    answer = full.post(CAPTURES, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.fault(11, 21)
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"model": "local:nothing"}, 404, "model_not_found"),
        ({"model": "../etc"}, 404, "model_not_found"),
        ({"text_pair": "b"}, 422, "pair_not_supported"),
        ({"text_pair": "b", "model": "gpt2-mini"}, 422, "pair_not_supported"),
    ],
    ids=["no such model", "no id", "a pair", "a pair for a model that is not loaded"],
)
@pytest.mark.parametrize("path", [CAPTURES, "/api/v1/attention", "/api/v1/estimate"])
def test_what_can_never_run_is_not_told_to_wait(full, path, body, status, code):
    answer = full.post(path, json={**NEW, **body})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.fault(10, 21)
@pytest.mark.parametrize(
    ("asked", "code"),
    [({"layers": [99]}, "unknown_layer"), ({"heads": [99]}, "unknown_head"), ({"stack": "cross"}, "unknown_stack")],
)
def test_a_head_that_does_not_exist_is_not_told_to_wait(full, asked, code):
    answer = full.post("/api/v1/attention", json={**NEW, **asked})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_requests_that_need_no_queue_are_served(full):
    assert full.post("/api/v1/estimate", json=NEW).status_code == 200
    assert full.get("/healthz").status_code == 200
    assert full.get(CAPTURES).status_code == 405


def test_a_shared_server_asks_for_its_key_first(models_dir):
    settings = Settings(host="0.0.0.0", api_key="a-key-that-is-long-enough", model="local:gpt2", models_dir=models_dir)
    with serving(settings) as client:
        client.app.state.runner.queues.model.max_waiting = -1
        assert client.post(CAPTURES, json=NEW).status_code == 401


def test_a_long_text_is_refused_by_the_endpoint(full, prepared):
    answer = full.post(CAPTURES, json={"text": "a " * 2**15})
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert len(prepared) == 1
