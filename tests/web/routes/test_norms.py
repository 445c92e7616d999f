"""Norms and words of a head over the API."""

import io
import json

import numpy as np
import pytest
from worlds import serving

from headscope.analysis import words as studies
from headscope.analysis.norms import bytes_of_grams, grams, window_of_norms
from headscope.analysis.words import window_of_words, words_of
from headscope.capture.capture import run
from headscope.capture.windows import window
from headscope.settings import Settings

TEXT = "The cat sat on the mat, and a dog ran."


@pytest.fixture
def location(client):
    return client.post("/api/v1/captures", json={"text": TEXT}).headers["location"]


@pytest.fixture
def capture(loaded):
    return run(loaded("local:gpt2"), TEXT)


def test_a_head_is_served_as_norms(client, location, capture, loaded):
    answer = client.get(f"{location}/heads/1/2?quantity=norm&rows=2:9&columns=0:5").json()
    part = window(len(capture.tokens), (2, 9), (0, 5), None)
    expected = window_of_norms(capture, grams(loaded("local:gpt2"), capture), 1, 2, part)
    np.testing.assert_allclose(answer["values"], expected, atol=1e-5)
    assert (answer["quantity"], answer["rows"], answer["columns"]) == ("norm", [2, 9], [0, 5])


def test_the_norms_of_a_layer_are_served(client, location, capture, loaded):
    answer = client.get(f"{location}/norms/1?cells=4&format=npy")
    facts = json.loads(answer.headers["x-headscope"])
    part = window(len(capture.tokens), None, None, 4)
    expected = window_of_norms(capture, grams(loaded("local:gpt2"), capture), 1, None, part)
    np.testing.assert_allclose(np.load(io.BytesIO(answer.content)), expected, atol=1e-4)
    assert facts["layer"] == 1
    assert "head" not in facts


@pytest.mark.fault(40)
def test_norms_need_one_run_of_the_model_and_count_towards_the_memory_of_captures(
    client, location, capture, monkeypatch
):
    runner, runs = client.app.state.runner, []
    run_model = runner.queues.run_model
    monkeypatch.setattr(runner.queues, "run_model", lambda *given: runs.append(1) or run_model(*given))
    before = runner.captures.bytes
    for path in ("heads/0/0?quantity=norm", "heads/2/3?quantity=norm", "norms/1"):
        assert client.get(f"{location}/{path}").status_code == 200
    assert len(runs) == 1
    assert runner.captures.bytes == before + bytes_of_grams(capture)
    assert runner.ledger.bytes("norms") == bytes_of_grams(capture)
    assert 0 < client.get(location).json()["expires_in"] <= 3600


@pytest.mark.fault(24, 40)
def test_norms_that_do_not_fit_into_memory_with_their_capture_are_refused_with_both_numbers(models_dir, capture):
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_capture_bytes=capture.bytes)
    with serving(settings) as client:
        location = client.post("/api/v1/captures", json={"text": TEXT}).headers["location"]
        response = client.get(f"{location}/norms/0")
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    detail = response.json()["detail"]
    assert f"takes {bytes_of_grams(capture):,} bytes, and its capture another {capture.bytes:,}" in detail


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("norms/3", "unknown_layer"),
        ("norms/0?rows=9:2", "invalid_window"),
        ("norms/0?quantity=norm", "invalid_input"),
        ("heads/0/4?quantity=norm", "unknown_head"),
        ("heads/0/0?quantity=length", "invalid_input"),
        ("heads/0/0?quantity=norm&words=true", "invalid_input"),
        ("heads/0/0?words=true&rows=0:99", "invalid_window"),
    ],
)
def test_invalid_parameters_are_refused(client, location, path, code):
    response = client.get(f"{location}/{path}")
    assert (response.status_code, response.json()["code"]) == (422, code)


def test_a_head_is_served_in_words(client, location, capture):
    answer = client.get(f"{location}/heads/1/2?words=true").json()
    listed = client.get(f"{location}/words").json()["words"]
    found = words_of(capture)
    size = len(found)
    assert [word["text"] for word in listed] == [word.text for word in found]
    expected = window_of_words(capture, (found, found), 1, 2, window(size, None, None, None), "max")
    np.testing.assert_allclose(answer["values"], expected, atol=1e-6)
    assert (answer["words"], answer["rows"], answer["columns"]) == (True, [0, size], [0, size])


def test_a_window_of_words_is_pooled(client, location):
    whole = np.array(client.get(f"{location}/heads/1/2?words=true").json()["values"])
    part = client.get(f"{location}/heads/1/2?words=true&rows=1:5&columns=0:4&cells=2").json()
    expected = [[whole[r : r + 2, c : c + 2].max() for c in (0, 2)] for r in (1, 3)]
    np.testing.assert_allclose(part["values"], expected, atol=1e-6)
    assert (part["query_step"], part["key_step"]) == (2, 2)


def test_words_of_a_too_long_text_are_refused_with_both_numbers(client, location, monkeypatch):
    monkeypatch.setattr(studies, "MAX_TOKENS", 3)
    response = client.get(f"{location}/heads/0/0?words=true")
    assert (response.status_code, response.json()["code"]) == (422, "too_many_tokens")
    assert "at most 3" in response.json()["detail"]


def test_a_capture_that_does_not_exist_is_404(client):
    for path in ("words", "norms/0", "heads/0/0?quantity=norm"):
        assert client.get(f"/api/v1/captures/{'0' * 32}/{path}").json()["code"] == "capture_gone"
