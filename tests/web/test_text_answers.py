"""Answers that describe all tokens of a text: counted as memory, made in a worker, and shared by their readers."""

import gc
import json

import pytest
from worlds import serving, write_tiny

from headscope.engine.event_space import bytes_of_text_event
from headscope.settings import Settings
from headscope.web.text_answers import respond_capture

TEXT = "cat " * 600


@pytest.fixture
def client(tmp_path):
    """A model of 600 tokens, whose answers are larger than those that are sent as a whole."""
    write_tiny(tmp_path / "long", "gpt2", n_positions=600)
    with serving(Settings(model="local:long", models_dir=tmp_path, max_capture_bytes=2**26)) as client:
        yield client


def capture(client):
    return client.post("/api/v1/captures", json={"text": TEXT, "truncate": True})


@pytest.mark.fault(40)
def test_readers_of_the_description_of_a_capture_share_its_bytes(client):
    runner = client.app.state.runner
    found = runner.captures.get(capture(client).json()["id"])

    async def read():
        runner.captures.expires_in = lambda _: 60  # the same second
        responses = [await respond_capture(runner, found) for _ in range(8)]
        held = runner.ledger.count("streams"), runner.ledger.bytes("streams")
        body = b"".join([part async for part in responses[0].body_iterator])
        return held, body

    (count, held), body = client.portal.call(read)
    assert (count, held) == (1, len(body))
    assert len(json.loads(body)["tokens"]) == 600
    gc.collect()
    assert runner.ledger.bytes("streams") == 0


@pytest.mark.fault(40, 41)
@pytest.mark.parametrize("path", ["", "/words"])
def test_the_description_of_a_long_text_is_made_in_a_worker(client, path, monkeypatch):
    location = capture(client).headers["location"]
    pools, made = client.app.state.runner.pools, []
    convert = pools.convert_unbounded
    monkeypatch.setattr(pools, "convert_unbounded", lambda work, *given: made.append(work) or convert(work, *given))
    answer = client.get(location + path)
    assert answer.json()
    assert len(made) == 1


@pytest.mark.fault(40)
def test_a_description_that_does_not_fit_now_is_refused(client):
    runner = client.app.state.runner
    answer = capture(client)
    found = runner.captures.get(answer.json()["id"])  # a reader, so it is not dropped
    needed = bytes_of_text_event(found.tokens)
    free = runner.ledger.max_bytes - runner.ledger.bytes()
    with runner.ledger.reserve("answers", free - needed + 1, "the answer of another"):
        refused = client.get(answer.headers["location"])
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    again = client.get(answer.headers["location"]).json()
    assert again["tokens"] == answer.json()["tokens"]
