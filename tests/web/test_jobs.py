"""Every kind of job: it is joined, counted, stopped when its clients have left, and has a deadline."""

import gc
import itertools
import json
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx2
import pytest
from worlds import live, serving, until

from headscope.engine import progress
from headscope.engine.job import Job
from headscope.export.formats import Answer
from headscope.web import context

TEXT = "The cat sat on the mat, and a dog ran."
CAPTURES = "/api/v1/captures"
EVENTS = {"Accept": "text/event-stream"}

# Kind of job -> the request that starts it, below the address of a capture or, with a body, anywhere.
READS = {
    "overview": "overview",
    "window": "heads/0/0",
    "analysis": "similarity",
    "norms": "norms/0",
}
POSTS = {
    "run": (CAPTURES, {"text": "another text"}),
    "certificate": ("/api/v1/attention", {"text": TEXT, "verify": True}),
    "probe": ("/api/v1/probes/induction", {}),
}
KINDS = [*READS, *POSTS]


@pytest.fixture
def long_windows(monkeypatch):
    """Windows of any size are jobs, as those of a long text."""
    monkeypatch.setattr(context, "SHORT_STEPS", 0)


def start(client, kind, headers=None):
    """The response to the request that starts a job of this kind, which reads the capture of TEXT."""
    if kind in POSTS:
        path, body = POSTS[kind]
        return client.post(path, json=body, headers=headers)
    location = client.app_location
    return client.get(f"{location}/{READS[kind]}", headers=headers)


def captured(client):
    client.app_location = client.post(CAPTURES, json={"text": TEXT}).headers["location"]
    return client


def set_deadline(client, seconds):
    runner = client.app.state.runner
    for part in (runner, runner.queues, runner.pools):
        part.settings = part.settings.model_copy(update={"run_seconds": seconds})


def ended(client, kind, how):
    """How many jobs of this kind have ended in this way, as /metrics tells."""
    lines = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if line[0] != "#")
    return float(lines[f'headscope_jobs_ended_total{{how="{how}",kind="{kind}"}}'])


class Gate:
    """Work that checks its progress reports here, and waits for `open`. `stopped` counts the checks that raised."""

    def __init__(self, monkeypatch):
        self.open, self.checks, self.stopped, self.closed = Event(), [], [], False
        check = progress.WorkProgress.check

        def wait(work):
            if not self.closed:
                return check(work)
            self.checks.append(work)
            self.open.wait(30)
            try:
                check(work)
            except BaseException:
                self.stopped.append(work)
                raise

        monkeypatch.setattr(progress.WorkProgress, "check", wait)


@pytest.fixture
def gate(monkeypatch):
    gate = Gate(monkeypatch)
    yield gate
    gate.open.set()


@pytest.mark.fault(22)
@pytest.mark.parametrize("kind", KINDS)
def test_a_job_stops_at_its_next_block_when_its_client_leaves_and_is_counted(settings, gate, long_windows, kind):
    with live(settings) as url, httpx2.Client(base_url=url, timeout=60) as client:
        captured(client)
        gate.closed = True
        with httpx2.Client(base_url=url, timeout=0.3) as leaving:
            leaving.app_location = client.app_location
            with pytest.raises(httpx2.TimeoutException):
                start(leaving, kind)
        until(lambda: gate.checks)
        until(lambda: gate.checks[0].error)
        gate.closed = False
        gate.open.set()
        until(lambda: gate.stopped)
        assert len(gate.checks) == 1
        until(lambda: ended(client, kind, "stopped") == 1)
        assert start(client, kind).status_code in (200, 201)  # the worker is free again
        assert ended(client, kind, "finished") >= 1


@pytest.mark.fault(23)
@pytest.mark.parametrize("kind", KINDS)
def test_a_job_past_its_deadline_is_504_and_is_counted(settings, long_windows, kind):
    with serving(settings) as client:
        captured(client)
        set_deadline(client, 1e-9)
        answer = start(client, kind)
        assert (answer.status_code, answer.json()["code"]) == (504, "deadline")
        assert ended(client, kind, "deadline") == 1


@pytest.mark.fault(22, 23)
@pytest.mark.parametrize("path", ["heads/0/0", "heads/0/0?words=true", "overview"])
def test_a_short_window_has_the_same_deadline(settings, path):
    with serving(settings) as client:
        captured(client)
        set_deadline(client, 1e-9)
        assert client.get(f"{client.app_location}/{path}").json()["code"] == "deadline"


@pytest.mark.fault(42)
def test_the_overview_of_a_long_text_reports_its_progress(client, long_windows):
    captured(client)
    plain = start(client, "overview").json()
    events = [block.split("\n") for block in start(client, "overview", EVENTS).text.strip().split("\n\n")]
    assert {lines[0] for lines in events[:-1]} == {"event: progress"}
    assert json.loads(events[-1][1].removeprefix("data: ")) == plain
    assert ended(client, "overview", "finished") == 2


@pytest.mark.fault(42)
def test_an_overview_delays_no_text_and_no_window(settings, gate, long_windows):
    with live(settings) as url, httpx2.Client(base_url=url, timeout=30) as client, ThreadPoolExecutor(8) as clients:
        captured(client)
        gate.closed = True
        overviews = [clients.submit(client.get, f"{client.app_location}/overview?cells={n}") for n in range(2, 8)]
        until(lambda: gate.checks)
        gate.closed = False
        assert client.post("/api/v1/estimate", json={"text": "another text"}).status_code == 200
        assert client.get(f"{client.app_location}/words").status_code == 200
        gate.open.set()
        assert {overview.result().status_code for overview in overviews} == {200}


@pytest.mark.fault(42)
def test_the_pictures_of_a_stream_stop_when_its_client_leaves(settings, gate):
    with live(settings) as url, httpx2.Client(base_url=url, timeout=30) as client:
        captured(client)
        gate.closed = True
        with client.stream("POST", f"{CAPTURES}?cells=4", json={"text": TEXT}, headers=EVENTS) as stream:
            assert next(stream.iter_lines()) == "event: tokens"
            until(lambda: gate.checks)
        until(lambda: gate.checks[0].error)
        gate.open.set()
        until(lambda: gate.stopped)
        assert len(gate.checks) == 1  # the first of three layers


@pytest.mark.fault(42)
def test_the_pictures_of_a_stream_have_a_deadline(client):
    captured(client)
    set_deadline(client, 1e-9)
    last = client.post(f"{CAPTURES}?cells=4", json={"text": TEXT}, headers=EVENTS).text.strip().split("\n\n")[-1]
    assert last.startswith("event: error")
    assert json.loads(last.partition("data: ")[2])["code"] == "deadline"


@pytest.mark.fault(50)
@pytest.mark.parametrize("kind", ["norms", "overview", "analysis", "certificate", "probe"])
def test_clients_that_ask_for_the_same_at_the_same_time_share_one_job(settings, gate, monkeypatch, kind):
    if kind == "overview":
        monkeypatch.setattr(context, "SHORT_STEPS", 0)
    followers, followed = [], Job.followed
    monkeypatch.setattr(Job, "followed", lambda job: followers.append(job) or followed(job))
    with live(settings) as url, httpx2.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(5) as clients:
        captured(client)
        gate.closed = True
        answers = [clients.submit(start, client, kind) for _ in range(5)]
        until(lambda: sum(job.kind == kind for job in followers) == 5)
        gate.closed = False
        gate.open.set()
        assert {answer.result().status_code for answer in answers} == {200}
        assert ended(client, kind, "finished") == 1


@pytest.mark.fault(28, 40)
def test_a_job_that_failed_or_finished_keeps_nothing_until_the_garbage_collector_runs(client, monkeypatch):
    class Made:
        """A result, or what work has in its variables when it fails."""

    made = []

    def work(capture, progress):
        found = Made()
        made.append(weakref.ref(found))
        progress.check()
        return found

    captured(client)
    monkeypatch.setattr("headscope.analysis.roles.roles", work)
    monkeypatch.setattr("headscope.web.routes.roles.as_json", lambda _: Answer({}, {}, ""))
    gc.disable()
    try:
        for seconds, headers in itertools.product((600, 1e-9), (None, EVENTS)):
            set_deadline(client, seconds)
            client.get(f"{client.app_location}/roles", headers=headers)
        until(lambda: [ref() for ref in made] == [None] * 4)
    finally:
        gc.enable()
