"""What all studies of a capture share."""

import asyncio
import json
from threading import Event

import pytest

from headscope.analysis import blocks
from headscope.web.study import Counting

TEXT = "The cat sat on the mat, and the cat ran to the mat."
PATHS = ("scores", "roles", "similarity", "rollout")


@pytest.fixture
def location(client):
    return client.post("/api/v1/captures", json={"text": TEXT}).headers["location"]


@pytest.mark.parametrize("path", PATHS)
def test_as_events_it_says_how_far_it_is_and_ends_with_the_same_answer(client, location, path, monkeypatch):
    monkeypatch.setattr(blocks, "WEIGHTS_PER_BLOCK", 200)
    said = client.get(f"{location}/{path}", headers={"Accept": "text/event-stream"})
    assert said.headers["content-type"].startswith("text/event-stream")
    told = [block.split("\n") for block in said.text.strip().split("\n\n")]
    assert {lines[0] for lines in told[:-1]} == {"event: progress"}
    assert told[-1][0] == "event: done"
    assert json.loads(told[-1][1].removeprefix("data: ")) == client.get(f"{location}/{path}").json()


@pytest.mark.parametrize("path", PATHS)
def test_of_a_capture_that_is_gone_there_is_none(client, path):
    response = client.get(f"/api/v1/captures/{'0' * 32}/{path}", headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.json()["code"]) == (404, "capture_gone")


@pytest.mark.parametrize("path", PATHS)
def test_who_holds_it_already_is_told_so(client, location, path):
    etag = client.get(f"{location}/{path}").headers["etag"]
    assert client.get(f"{location}/{path}", headers={"If-None-Match": etag}).status_code == 304


def test_what_goes_wrong_on_the_way_is_the_last_event(client, location, monkeypatch):
    client.app.state.runner.settings = client.app.state.settings.model_copy(update={"run_seconds": 1e-9})
    said = client.get(f"{location}/scores", headers={"Accept": "text/event-stream"}).text
    name, data = said.strip().split("\n\n")[-1].split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["code"] == "deadline"


def test_each_percent_is_told_once_and_a_hundred_never():
    told, asked = [], []
    counting = Counting(lambda: asked.append(1), 200, told.append)
    for _ in range(210):
        counting()
    assert len(asked) == 210
    assert told[:3] == [0, 1, 2]
    assert told[-1] == 99


def test_what_takes_long_keeps_nobody_else_waiting(client, location):
    """A flow that cannot go on before the scores of another reader are there."""
    there = Event()
    runner = client.app.state.runner

    def until_there(_):
        assert there.wait(20)

    async def both():
        slow = asyncio.create_task(runner.analyse(10_000, until_there))
        await asyncio.sleep(0.05)
        quick = await runner.analyse(3, lambda _: "scores")
        there.set()
        await slow
        return quick

    assert client.portal.call(both) == "scores"
