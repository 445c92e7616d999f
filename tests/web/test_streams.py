"""POST /api/v1/captures as a stream: the order of the events, and what happens when a client disconnects."""

import asyncio
import base64
import json
from threading import Event
from time import sleep

import httpx2
import numpy as np
import pytest
from worlds import disconnect_when, live, serving, until

from headscope.engine.capture_job import CaptureJob
from headscope.engine.job_queue import JobQueue
from headscope.engine.pools import Pools
from headscope.engine.progress import WorkProgress
from headscope.engine.runner import Runner
from headscope.errors import Busy
from headscope.records import ModelCard
from headscope.settings import Settings

TEXT = "The cat sat on the mat."
CAPTURES = "/api/v1/captures"
ATTENTION = "/api/v1/attention"
STREAM = {"Accept": "text/event-stream"}


def streamed(client, text=TEXT, query="", **body):
    answer = client.post(f"{CAPTURES}{query}", json={"text": text, **body}, headers=STREAM)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return parsed(answer.text)


def parsed(answer):
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in answer.split("\n\n") if block]
    return [(block["event"], json.loads(block["data"])) for block in blocks]


def maps_of(events):
    return [
        np.frombuffer(base64.b64decode(data["maps"]), np.uint8).reshape(-1, data["cells"], data["cells"])
        for name, data in events
        if name == "layer"
    ]


def test_tokens_come_first_then_each_layer_then_the_capture(client):
    events = streamed(client)
    names = [name for name, _ in events if name != "queued"]
    assert names == ["tokens", "layer", "layer", "layer", "done"]
    tokens, done = dict(events)["tokens"], dict(events)["done"]
    assert tokens.pop("seconds") is None  # unknown before the first run
    assert tokens.items() <= done.items()
    assert [data["layer"] for name, data in events if name == "layer"] == [0, 1, 2]
    plain = client.post(CAPTURES, json={"text": TEXT})
    assert plain.status_code == 200
    assert {**plain.json(), "expires_in": 0} == {**done, "expires_in": 0}


def test_thumbnails_of_a_cached_capture_are_not_computed_again(client, monkeypatch):
    before = streamed(client, query="?cells=4")
    monkeypatch.setattr("headscope.capture.windows.thumbnails", lambda *_: pytest.fail("worked out again"))
    assert [layer for layer in streamed(client, query="?cells=4") if layer[0] == "layer"] == [
        layer for layer in before if layer[0] == "layer"
    ]


def test_thumbnails_of_one_size_only_are_cached(client):
    first = maps_of(streamed(client, query="?cells=4"))
    assert maps_of(streamed(client, query="?cells=3"))[0].shape != first[0].shape
    np.testing.assert_array_equal(maps_of(streamed(client, query="?cells=4")), first)


def test_a_new_size_replaces_the_cached_one_and_a_large_size_is_not_cached():
    async def remembered(*sizes):
        job = CaptureJob.of("0", ModelCard("tiny", "", "gpt2", "local"), 1)
        for size in sizes:
            job.cache_thumbnail(*size, {})
        return set(job.thumbnails)

    few = (0, 4, "sqrt"), (1, 4, "sqrt")
    assert asyncio.run(remembered(*few)) == set(few)
    assert asyncio.run(remembered(*few, (0, 4, "linear"))) == {(0, 4, "linear")}
    assert asyncio.run(remembered(*few, (0, 500, "sqrt"))) == set()


@pytest.mark.parametrize(("query", "cells"), [("", 48), ("?cells=4", 4)])
def test_the_thumbnails_are_the_overview_in_256_steps(client, query, cells):
    events = streamed(client, query=query)
    overview = client.get(f"{CAPTURES}/{dict(events)['done']['id']}/overview?cells={cells}").json()
    found = np.stack(maps_of(events)) / 255
    np.testing.assert_allclose(found, overview["values"], atol=0.5 / 255 + 1e-6)


def test_square_root_thumbnails_have_fine_steps_for_small_weights(client):
    events = streamed(client, query="?bend=sqrt")
    overview = np.array(client.get(f"{CAPTURES}/{dict(events)['done']['id']}/overview").json()["values"])
    np.testing.assert_allclose(np.stack(maps_of(events)) / 255, np.sqrt(overview), atol=0.5 / 255 + 1e-6)


def test_a_cached_capture_is_streamed_too(client):
    first, second = streamed(client), streamed(client)
    assert [name for name, _ in second] == ["tokens", "layer", "layer", "layer", "done"]
    for one, other in zip(maps_of(first), maps_of(second), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_error_during_the_run_is_an_event(client):
    [(name, problem)] = streamed(client, "cat " * 999)[-1:]
    assert (name, problem["code"], problem["status"]) == ("error", "too_many_tokens", 422)


@pytest.mark.fault(1)
def test_an_error_before_the_run_is_a_response_of_its_own(client):
    answer = client.post(CAPTURES, json={"text": " "}, headers=STREAM)
    assert (answer.status_code, answer.json()["code"]) == (422, "empty_text")


@pytest.fixture
def keep_alive_seconds():
    return 15


@pytest.fixture
def slow(models_dir, monkeypatch, keep_alive_seconds):
    """A live server whose model waits in each layer for `held`, and the job of each layer that was begun."""
    held, begun, jobs = Event(), [], {}
    check, start = WorkProgress.check, JobQueue.start

    def waiting(self):
        check(self)
        if self in jobs:  # not one of a picture
            begun.append(jobs[self])
            held.wait(20)

    def starting(self, job, work):
        jobs[job.progress] = job
        start(self, job, work)

    monkeypatch.setattr(WorkProgress, "check", waiting)
    monkeypatch.setattr(JobQueue, "start", starting)
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_waiting=1, keep_alive_seconds=keep_alive_seconds)
    with live(settings) as url:
        httpx2.post(f"{url}/api/v1/models/load", json={"model": "local:gpt2"}, timeout=60)
        yield url, held, begun
        held.set()


def opened(client, url, text):
    return client.stream("POST", f"{url}{CAPTURES}", json={"text": text}, headers=STREAM)


@pytest.mark.parametrize(
    ("path", "headers"),
    [(CAPTURES, STREAM), (CAPTURES, {}), (ATTENTION, {})],
    ids=["stream", "json", "attention"],
)
def test_a_client_that_disconnects_stops_the_run_at_its_next_layer_and_frees_the_worker(slow, path, headers):
    url, held, begun = slow
    disconnect_when(lambda: begun, url, path, {"text": TEXT}, headers)
    until(lambda: begun[0].progress.error)
    held.set()
    assert httpx2.post(f"{url}{CAPTURES}", json={"text": "another"}, timeout=20).status_code == 201
    assert begun.count(begun[0]) == 1  # the first of its three layers


def test_a_client_that_disconnects_stops_its_certificate(settings, monkeypatch):
    begun = []

    def endless(model, capture, progress):
        begun.append(progress)
        while True:
            progress.check()
            sleep(0.01)

    monkeypatch.setattr("headscope.capture.certificate.certify", endless)
    with live(settings) as url:
        disconnect_when(lambda: begun, url, ATTENTION, {"text": TEXT, "verify": True})
        until(lambda: begun[0].error)
        assert httpx2.post(f"{url}{CAPTURES}", json={"text": "another"}, timeout=60).status_code == 201


def test_a_client_that_disconnects_before_the_first_event_stops_the_run(slow, monkeypatch):
    url, held, begun = slow
    start = Runner.start

    async def start_slowly(*given, **options):
        started = await start(*given, **options)
        await asyncio.sleep(1)
        return started

    monkeypatch.setattr(Runner, "start", start_slowly)
    disconnect_when(lambda: begun, url, CAPTURES, {"text": TEXT}, STREAM)
    until(lambda: begun[0].progress.error)


def test_a_stream_that_has_begun_is_not_refused_by_a_full_queue(client, monkeypatch):
    async def full(*_):
        raise Busy("32 requests are waiting already")

    client.post("/api/v1/models/load", json={"model": "local:gpt2"})
    monkeypatch.setattr(Pools, "read", full)
    assert [name for name, _ in streamed(client) if name != "queued"] == ["tokens", "layer", "layer", "layer", "done"]


def test_a_queued_client_gets_its_position(slow):
    url, held, begun = slow
    with httpx2.Client(timeout=20) as client, opened(client, url, TEXT):
        until(lambda: begun)
        with opened(client, url, "another") as behind:
            lines = behind.iter_lines()
            assert [next(lines), next(lines)] == ["event: queued", 'data: {"position":1}']
            held.set()
            assert "event: done" in list(lines)


@pytest.mark.parametrize("keep_alive_seconds", [0.01])
def test_comments_are_sent_while_a_layer_takes_long(slow):
    url, held, _ = slow
    with httpx2.Client(timeout=20) as client, opened(client, url, TEXT) as answer:
        lines = answer.iter_lines()
        comments = (line for line in lines if line == ": keep-alive")
        assert [next(comments) for _ in range(3)]
        held.set()
        assert "event: done" in list(lines)


def test_one_of_two_clients_that_disconnects_stops_nothing(slow):
    url, held, begun = slow
    with httpx2.Client(timeout=20) as client, opened(client, url, TEXT) as stays:
        until(lambda: begun)
        with httpx2.Client(timeout=20) as other, opened(other, url, TEXT):
            until(lambda: begun[0].followers == 2)
        until(lambda: begun[0].followers == 1)
        held.set()
        assert "event: done" in list(stays.iter_lines())


def test_a_run_past_its_deadline_is_504_at_every_endpoint(models_dir):
    settings = Settings(model="local:gpt2", models_dir=models_dir, run_seconds=1e-9)
    with serving(settings) as client:
        plain = [client.post(path, json={"text": TEXT}) for path in (CAPTURES, ATTENTION)]
        [(name, problem)] = streamed(client)[-1:]
    assert [(answer.status_code, answer.json()["code"]) for answer in plain] == [(504, "deadline")] * 2
    assert "0 of 3 layers were done after 1e-09 s" in plain[0].json()["detail"]
    assert (name, problem["code"]) == ("error", "deadline")


def test_a_full_queue_is_a_503_response_with_retry_after_and_not_an_event(slow):
    url, held, begun = slow
    with httpx2.Client(timeout=20) as client, opened(client, url, TEXT), opened(client, url, "another"):
        until(lambda: begun)
        with opened(client, url, "a third") as refused:
            assert (refused.status_code, json.loads(refused.read())["code"]) == (503, "busy")
            assert int(refused.headers["retry-after"]) > 0
        held.set()
