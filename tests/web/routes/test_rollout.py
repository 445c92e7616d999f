import io
import json

import numpy as np
import pytest

from headscope.analysis import layers
from headscope.analysis.layers import flow, rollout, rollout_options
from headscope.capture.capture import run

TEXT = "The cat sat on the mat."


@pytest.fixture
def location(client):
    return client.post("/api/v1/captures", json={"text": TEXT}).headers["location"]


@pytest.fixture
def capture(loaded):
    return run(loaded("local:gpt2"), TEXT)


def events(text):
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    return [(block[0].removeprefix("event: "), json.loads(block[1].removeprefix("data: "))) for block in blocks]


def test_rollout_is_served_with_its_options(client, location, capture):
    answer = client.get(f"{location}/rollout?start=1&residual=0.25&receptive=false").json()
    np.testing.assert_allclose(
        answer["values"], rollout(capture, rollout_options(capture, 1, None, 0.25, False)), atol=1e-6
    )
    assert {name: answer[name] for name in ("start", "layer", "residual", "receptive", "axes")} == {
        "start": 1,
        "layer": 2,
        "residual": 0.25,
        "receptive": False,
        "axes": ["query", "key"],
    }


def test_receptive_is_the_default_for_causal_models(client, location):
    assert client.get(f"{location}/rollout").json()["receptive"] is True
    encoder = client.post("/api/v1/captures", json={"text": TEXT, "model": "local:bert"}).headers["location"]
    assert client.get(f"{encoder}/rollout").json()["receptive"] is False


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_a_window_of_rollout_is_pooled(client, location, capture, pool):
    answer = client.get(f"{location}/rollout?rows=1:6&columns=0:5&cells=2&pool={pool}&format=npy")
    found = np.load(io.BytesIO(answer.content))
    whole = rollout(capture, rollout_options(capture, 0, None, 0.5, None))[1:6, :5]
    expected = [[getattr(np, pool)(whole[r : r + 3, c : c + 3]) for c in (0, 3)] for r in (0, 3)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("start=2&layer=1", "unknown_layer"),
        ("layer=9", "unknown_layer"),
        ("residual=1", "invalid_input"),
        ("residual=nan", "invalid_input"),
        ("rows=5:1", "invalid_window"),
    ],
)
def test_invalid_parameters_are_refused(client, location, query, code):
    response = client.get(f"{location}/rollout?{query}")
    assert (response.status_code, response.json()["code"]) == (422, code)


def test_flow_is_served_as_an_answer_or_as_events_with_progress(client, location, capture):
    expected = flow(capture, rollout_options(capture, 0, None, 0.5, None), [0, 2])
    whole = client.post(f"{location}/flow", json={"queries": [0, 2]})
    np.testing.assert_allclose(whole.json()["values"], expected, atol=1e-6)
    streamed = client.post(f"{location}/flow", json={"queries": [0, 2]}, headers={"Accept": "text/event-stream"})
    received = events(streamed.text)
    percents = [data["percent"] for name, data in received if name == "progress"]
    assert percents == sorted(set(percents))
    assert percents[0] == 0
    assert 80 < percents[-1] < 100
    np.testing.assert_allclose(received[-1][1]["values"], expected, atol=1e-6)
    assert received[-1][1]["queries"] == [0, 2]


@pytest.mark.parametrize("queries", [[], [99], [-1], [0, 0], [0.5]])
def test_a_flow_to_tokens_out_of_range_is_refused(client, location, queries):
    response = client.post(f"{location}/flow", json={"queries": queries})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")


def test_a_too_long_text_is_refused_before_any_work(client, location, monkeypatch):
    monkeypatch.setattr(layers, "MOST_OF_ROLLOUT", 2)
    monkeypatch.setattr(layers, "MOST_OF_FLOW", 2)
    for response in (client.get(f"{location}/rollout"), client.post(f"{location}/flow", json={})):
        assert (response.status_code, response.json()["code"]) == (422, "too_many_tokens")


def test_one_token_gets_everything_from_itself(client):
    location = client.post("/api/v1/captures", json={"text": "a"}).headers["location"]
    assert client.get(f"{location}/rollout").json()["values"] == [[1.0]]
    assert client.post(f"{location}/flow", json={}).json()["values"] == [[1.0]]
