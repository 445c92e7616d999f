"""What requests for a capture share."""

import asyncio
import json
from threading import Event

import pytest

from headscope.analysis import blocks

TEXT = "The cat sat on the mat, and the cat ran to the mat."
ANALYSES = ("scores", "roles", "similarity", "rollout")
WINDOWS = ("overview", "heads/0/0", "heads/0/0?words=true", "heads/0/0?quantity=norm", "norms/0", "dump")
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
def location(client):
    return client.post("/api/v1/captures", json={"text": TEXT}).headers["location"]


@pytest.mark.parametrize("path", ANALYSES)
def test_an_event_stream_reports_progress_and_ends_with_the_same_answer(client, location, path, monkeypatch):
    monkeypatch.setattr(blocks, "WEIGHTS_PER_BLOCK", 200)
    response = client.get(f"{location}/{path}", headers=EVENTS)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in response.text.strip().split("\n\n")]
    assert {lines[0] for lines in events[:-1]} == {"event: progress"}
    assert events[-1][0] == "event: done"
    assert json.loads(events[-1][1].removeprefix("data: ")) == client.get(f"{location}/{path}").json()


@pytest.mark.parametrize("path", [*ANALYSES, *WINDOWS])
def test_a_capture_that_does_not_exist_is_404(client, path):
    headers = EVENTS if path in ANALYSES else {}
    response = client.get(f"/api/v1/captures/{'0' * 32}/{path}", headers=headers)
    assert (response.status_code, response.json()["code"]) == (404, "capture_gone")


@pytest.mark.parametrize("path", [*ANALYSES, *WINDOWS])
def test_an_answer_that_the_client_has_is_304(client, location, path):
    headers = client.get(f"{location}/{path}").headers
    assert (headers["vary"], headers["cache-control"]) == ("Accept, Accept-Encoding", "private, max-age=3600")
    assert client.get(f"{location}/{path}", headers={"If-None-Match": headers["etag"]}).status_code == 304
    assert client.get(f"{location}/{path}", headers={"If-None-Match": '"another"'}).status_code == 200


def test_an_error_during_the_work_is_the_last_event(client, location):
    queues = client.app.state.runner.queues
    queues.settings = queues.settings.model_copy(update={"run_seconds": 1e-9})
    name, data = client.get(f"{location}/scores", headers=EVENTS).text.strip().split("\n\n")[-1].split("\n")
    assert name == "event: error"
    assert json.loads(data.removeprefix("data: "))["code"] == "deadline"


def test_a_long_analysis_does_not_delay_a_short_one(client, location):
    """The long one cannot continue before the short one is done."""
    short_is_done = Event()
    queues = client.app.state.runner.queues

    def wait(_):
        assert short_is_done.wait(20)

    async def both():
        long = asyncio.create_task(queues.analyse("analysis", "long", 10_000, wait).follow())
        await asyncio.sleep(0.05)
        scores = await queues.analyse("analysis", "short", 3, lambda _: "scores").follow()
        short_is_done.set()
        await long
        return scores

    assert client.portal.call(both) == "scores"
