"""Captures in memory: what makes room for what, and when memory is free again."""

import gc

import pytest
from worlds import serving

TEXT = "The cat sat on the mat."
CAPTURES = "/api/v1/captures"


def post(client, text=TEXT, **body):
    return client.post(CAPTURES, json={"text": text, **body})


@pytest.fixture
def capture_bytes(client):
    return post(client, "a text 0").json()["bytes"]


@pytest.fixture
def for_two(settings, capture_bytes):
    """A client of a server with memory for two captures, and its runner."""
    with serving(settings.model_copy(update={"max_capture_bytes": 2 * capture_bytes})) as client:
        yield client, client.app.state.runner


@pytest.mark.fault(25)
def test_a_capture_that_is_read_is_not_dropped_for_a_new_one(for_two):
    client, runner = for_two
    first, second = (post(client, f"a text {n}") for n in range(2))
    reader = runner.captures.get(first.json()["id"])
    client.get(second.headers["location"])  # used more recently, but nobody reads it now
    post(client, "a text 2")
    found = [client.get(answer.headers["location"]).status_code for answer in (first, second)]
    assert found == [200, 404]
    assert reader.layers[0].q.isfinite().all()


@pytest.mark.fault(25, 40)
def test_memory_is_held_until_the_last_reader_of_a_deleted_capture_has_finished(for_two, capture_bytes):
    client, runner = for_two
    runner.ledger.job_seconds = 0.05
    made = post(client, "a text 0")
    reader = runner.captures.get(made.json()["id"])
    layer = reader.layers[0]
    client.delete(made.headers["location"])
    assert (runner.captures.bytes, runner.ledger.bytes("captures")) == (0, capture_bytes)
    assert post(client, "a text 1").status_code == 201
    with runner.ledger.reserve("captures", capture_bytes, "another", wait_seconds=30):  # takes the place of the second
        assert post(client, "a text 2").status_code == 503
        del reader
        assert post(client, "a text 2").status_code == 503  # its layer is still in use
        del layer
    assert post(client, "a text 2").status_code == 201


@pytest.mark.fault(21, 40)
def test_a_run_that_finds_all_memory_in_use_is_503_with_retry_after_before_it_starts(for_two, monkeypatch):
    client, runner = for_two
    readers = [runner.captures.get(post(client, f"a text {n}").json()["id"]) for n in range(2)]
    monkeypatch.setattr("headscope.capture.capture.run_prompt", None)
    runner.ledger.job_seconds = 0.05
    refused = post(client, "a text 2")
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert int(refused.headers["retry-after"]) > 0
    assert len(readers) == 2


@pytest.mark.fault(44)
def test_captures_are_bounded_by_count(settings):
    with serving(settings.model_copy(update={"max_captures": 3})) as client:
        made = [post(client, f"a text {n}").headers["location"] for n in range(10)]
        assert [client.get(location).status_code for location in made] == [404] * 7 + [200] * 3
        assert client.app.state.runner.ledger.count("captures") == 3


@pytest.mark.fault(25, 28, 40)
def test_memory_is_free_without_the_garbage_collector(settings):
    """Otherwise captures that nobody reads would count as read until it runs."""
    with serving(settings) as client:
        ledger = client.app.state.runner.ledger
        post(client, "warm up")
        gc.collect()
        gc.disable()
        try:
            made = [post(client), client.post(CAPTURES, json={"text": "a"}, headers={"Accept": "text/event-stream"})]
            at = made[0].headers["location"]
            for path in ("/heads/0/0?format=npy", "/overview", "/scores", "/norms/0", "/dump?format=npz", "/heads/9/0"):
                client.get(f"{at}{path}")
            client.get(f"{at}/roles", headers={"Accept": "text/event-stream"})
            client.post("/api/v1/attention", json={"text": TEXT, "verify": True})
            assert post(client, "cat " * 99).status_code == 422
            assert ledger.count("captures") == 3
            runner = client.app.state.runner
            while runner.captures.drop_one():
                pass
            assert (len(runner.captures), ledger.bytes()) == (0, 0)
        finally:
            gc.enable()


def test_a_failed_run_holds_no_memory(client, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("headscope.capture.capture.run_prompt", fail)
    runner = client.app.state.runner
    assert client.post("/api/v1/captures", json={"text": "The cat sat on the mat."}).status_code == 500
    assert runner.ledger.bytes() == 0


@pytest.mark.fault(40, 44)
def test_a_long_text_counts_though_it_has_few_tokens(client):
    """Thousands of captures with such texts would fill the memory."""
    text = "\N{GRINNING FACE}" + " " * 150_000
    made = post(client, text, model="local:bert", truncate=True).json()
    assert made["queries"] <= 40
    counted = client.app.state.runner.ledger.bytes("captures")
    assert counted - made["bytes"] > 4 * 150_000 - 2**16
