from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest
from worlds import serving, until

from headscope.settings import Settings

TEXT = "The cat sat on the mat."


def post(client, text=TEXT, **body):
    return client.post("/api/v1/captures", json={"text": text, **body})


def test_a_capture_is_made_once_and_found_again(client):
    first, second = post(client), post(client)
    assert (first.status_code, second.status_code) == (201, 200)
    again = client.get(first.headers["location"])
    without_clock = [{**answer.json(), "expires_in": None} for answer in (first, second, again)]
    assert without_clock[0] == without_clock[1] == without_clock[2]


def test_a_capture_has_the_fields_of_the_contract(client):
    answer = post(client).json()
    contract = {"id", "model", "tokens", "layers", "heads", "queries", "keys", "bytes", "expires_in"}
    assert set(answer) == contract | {"truncate", "tokens_dropped"}
    assert (answer["layers"], answer["heads"]) == (3, 4)
    assert answer["queries"] == answer["keys"] == len(answer["tokens"])


def test_a_deleted_capture_is_404_and_gets_the_same_id_again(client):
    first = post(client)
    assert client.delete(first.headers["location"]).status_code == 204
    gone = client.get(first.headers["location"])
    assert (gone.status_code, gone.json()["code"]) == (404, "capture_gone")
    again = post(client)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])


@pytest.mark.parametrize("path", ["", "/overview", "/heads/0/0"])
def test_an_unknown_capture_is_404_at_every_endpoint(client, path):
    response = client.get(f"/api/v1/captures/{'0' * 32}{path}")
    assert (response.status_code, response.json()["code"]) == (404, "capture_gone")


@pytest.mark.fault(25)
def test_captures_are_bounded_by_bytes_and_the_oldest_is_dropped(models_dir):
    size = 20_000  # a bit more than two of these captures
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_capture_bytes=size)
    with serving(settings) as client:
        locations = [post(client, f"{TEXT} {n}").headers["location"] for n in range(4)]
        found = [client.get(location).status_code for location in locations]
        captures = client.app.state.runner.captures
    assert found[0] == 404
    assert found[-1] == 200
    assert 0 < captures.bytes <= size


@pytest.mark.fault(24)
def test_a_capture_larger_than_the_memory_for_captures_is_refused_before_the_run(models_dir, monkeypatch):
    monkeypatch.setattr("headscope.capture.capture.run_prompt", None)
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_capture_bytes=100)
    with serving(settings) as client:
        response = post(client)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert "HEADSCOPE_MAX_CAPTURE_BYTES is 100" in response.json()["detail"]


def test_captures_of_two_models_have_different_ids(client):
    ids = {post(client, model=model).json()["id"] for model in ("local:gpt2", "local:bert")}
    assert len(ids) == 2


def test_a_pair_has_two_segments(client):
    answer = post(client, model="local:bert", text_pair="A dog ran.").json()
    assert {token["segment"] for token in answer["tokens"]} == {0, 1}


def test_twenty_requests_for_the_same_text_share_one_run(client, monkeypatch):
    from headscope.capture import capture

    runs, run_prompt = [], capture.run_prompt
    monkeypatch.setattr(capture, "run_prompt", lambda *given: runs.append(1) or sleep(0.1) or run_prompt(*given))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: post(client), range(20)))
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    assert len(runs) == 1


def test_expires_in_counts_down(client, monkeypatch):
    start = monotonic()
    monkeypatch.setattr("headscope.engine.capture_cache.monotonic", lambda: start)
    location = post(client).headers["location"]
    assert client.get(location).json()["expires_in"] == 3600
    monkeypatch.setattr("headscope.engine.capture_cache.monotonic", lambda: start + 1000)
    assert client.get(location).json()["expires_in"] == 2600


def test_an_expired_capture_is_dropped_without_a_request(models_dir, monkeypatch):
    monkeypatch.setattr("headscope.engine.runner.SWEEP_SECONDS", 0.05)
    settings = Settings(model="local:gpt2", models_dir=models_dir, capture_seconds=2)
    with serving(settings) as client:
        post(client)
        captures = client.app.state.runner.captures
        assert captures.bytes > 0
        until(lambda: captures.bytes == client.app.state.runner.ledger.bytes("captures") == 0)


@pytest.mark.fault(2)
def test_a_text_is_cut_only_on_request_and_the_answer_says_by_how_much(client):
    long = {"text": "the cat sat on the mat " * 20, "model": "local:bert"}
    assert client.post("/api/v1/captures", json=long).json()["code"] == "too_many_tokens"
    cut = client.post("/api/v1/captures", json={**long, "truncate": True}).json()
    assert (cut["queries"], cut["truncate"], cut["tokens_dropped"]) == (40, True, 82)
    dump = client.post("/api/v1/attention", json={**long, "truncate": True, "layers": [0]}).json()
    assert (dump["capture"], dump["truncate"], dump["tokens_dropped"]) == (cut["id"], True, 82)
    whole = client.post("/api/v1/captures", json={"text": "the cat", "model": "local:bert"}).json()
    assert (whole["truncate"], whole["tokens_dropped"]) == (False, 0)
