"""Every kind of job: it is joined, counted, stopped when its clients have left, and has a deadline."""

import gc
import itertools
import json
import weakref
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx2
import pytest
from worlds import disconnect_when, live, serving, until

from headscope.engine import progress
from headscope.engine.job import Job
from headscope.export.formats import Answer
from headscope.settings import Settings
from headscope.web import context

CAPTURES = "/api/v1/captures"
EVENTS = {"Accept": "text/event-stream"}
READS = {"overview": "overview", "window": "heads/0/0", "analysis": "similarity", "norms": "norms/0"}
KINDS = [*READS, "run", "certificate", "probe"]
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def url(models_dir):
    with live(Settings(model="local:gpt2", models_dir=models_dir)) as address:
        yield address


@pytest.fixture
def long_windows(monkeypatch):
    """Windows of any size are jobs, as those of a long text."""
    monkeypatch.setattr(context, "SHORT_STEPS", 0)


class Captured:
    """A client, and the capture of a text that no other test has."""

    def __init__(self, client):
        self.client, self.text = client, f"A dog ran {next(NUMBERS)}"
        self.at = client.post(CAPTURES, json={"text": self.text}).headers["location"]

    def request(self, kind):
        """The path and the body, None for GET, of a request that starts a job of this kind."""
        posted = {
            "run": (CAPTURES, {"text": f"{self.text} too"}),
            "certificate": ("/api/v1/attention", {"text": self.text, "verify": True}),
            "probe": ("/api/v1/probes/induction", {}),
        }
        return posted[kind] if kind in posted else (f"{self.at}/{READS[kind]}", None)

    def start(self, kind, headers=None):
        path, body = self.request(kind)
        return self.client.request("GET" if body is None else "POST", path, json=body, headers=headers)

    def ended(self, kind, how):
        """How many jobs of this kind have ended in this way, as /metrics tells."""
        answer = self.client.get("/metrics").text
        lines = dict(line.rsplit(" ", 1) for line in answer.splitlines() if line[0] != "#")
        return float(lines[f'headscope_jobs_ended_total{{how="{how}",kind="{kind}"}}'])


def set_deadline(client, seconds):
    runner = client.app.state.runner
    for part in (runner, runner.queues, runner.pools):
        part.settings = part.settings.model_copy(update={"run_seconds": seconds})


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


@pytest.mark.fault(22, decides=True)
@pytest.mark.parametrize("kind", KINDS)
def test_a_job_stops_at_its_next_block_when_its_client_leaves_and_is_counted(url, gate, long_windows, kind):
    with httpx2.Client(base_url=url, timeout=60) as client:
        captured = Captured(client)
        stopped, finished = captured.ended(kind, "stopped"), captured.ended(kind, "finished")
        gate.closed = True
        disconnect_when(lambda: gate.checks, url, *captured.request(kind))
        until(lambda: gate.checks[0].error)
        gate.closed = False
        gate.open.set()
        until(lambda: gate.stopped)
        assert len(gate.checks) == 1
        until(lambda: captured.ended(kind, "stopped") == stopped + 1)
        assert captured.start(kind).status_code in (200, 201)  # the worker is free again
        assert captured.ended(kind, "finished") > finished


@pytest.mark.fault(23)
def test_a_job_past_its_deadline_is_504_and_is_counted(settings, long_windows):
    with serving(settings) as client:
        captured = Captured(client)
        set_deadline(client, 1e-9)
        answers = [captured.start(kind) for kind in KINDS]
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(504, "deadline")] * len(KINDS)
        assert [captured.ended(kind, "deadline") for kind in KINDS] == [1] * len(KINDS)


@pytest.mark.fault(22, 23)
def test_a_short_window_has_the_same_deadline(settings):
    with serving(settings) as client:
        at = Captured(client).at
        set_deadline(client, 1e-9)
        for path in ("heads/0/0", "heads/0/0?words=true", "overview"):
            assert client.get(f"{at}/{path}").json()["code"] == "deadline"


@pytest.mark.fault(42)
def test_the_overview_of_a_long_text_reports_its_progress(client, long_windows):
    captured = Captured(client)
    plain = captured.start("overview").json()
    events = [block.split("\n") for block in captured.start("overview", EVENTS).text.strip().split("\n\n")]
    assert {lines[0] for lines in events[:-1]} == {"event: progress"}
    assert json.loads(events[-1][1].removeprefix("data: ")) == plain
    assert captured.ended("overview", "finished") == 2


@pytest.mark.fault(42)
def test_an_overview_delays_no_text_and_no_window(url, gate, long_windows):
    with httpx2.Client(base_url=url, timeout=30) as client, ThreadPoolExecutor(8) as clients:
        at = Captured(client).at
        gate.closed = True
        overviews = [clients.submit(client.get, f"{at}/overview?cells={n}") for n in range(2, 8)]
        until(lambda: gate.checks)
        gate.closed = False
        assert client.post("/api/v1/estimate", json={"text": "another text"}).status_code == 200
        assert client.get(f"{at}/words").status_code == 200
        gate.open.set()
        assert {overview.result().status_code for overview in overviews} == {200}


@pytest.mark.fault(42)
def test_the_thumbnails_of_a_stream_stop_when_its_client_leaves(url, gate):
    with httpx2.Client(base_url=url, timeout=30) as client:
        text = Captured(client).text
        gate.closed = True
        with client.stream("POST", f"{CAPTURES}?cells=4", json={"text": text}, headers=EVENTS) as stream:
            assert next(stream.iter_lines()) == "event: tokens"
            until(lambda: gate.checks)
        until(lambda: gate.checks[0].error)
        gate.open.set()
        until(lambda: gate.stopped)
        assert len(gate.checks) == 1  # the first of three layers


@pytest.mark.fault(42)
def test_the_thumbnails_of_a_stream_have_a_deadline(client):
    text = Captured(client).text
    set_deadline(client, 1e-9)
    last = client.post(f"{CAPTURES}?cells=4", json={"text": text}, headers=EVENTS).text.strip().split("\n\n")[-1]
    assert last.startswith("event: error")
    assert json.loads(last.partition("data: ")[2])["code"] == "deadline"


@pytest.mark.fault(50, decides=True)
@pytest.mark.parametrize("kind", ["norms", "overview", "analysis", "certificate", "probe"])
def test_clients_that_ask_for_the_same_at_the_same_time_share_one_job(url, gate, monkeypatch, kind):
    if kind == "overview":
        monkeypatch.setattr(context, "SHORT_STEPS", 0)
    followers, followed = [], Job.followed
    monkeypatch.setattr(Job, "followed", lambda job: followers.append(job) or followed(job))
    with httpx2.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(5) as clients:
        captured = Captured(client)
        finished = captured.ended(kind, "finished")
        gate.closed = True
        answers = [clients.submit(captured.start, kind) for _ in range(5)]
        until(lambda: sum(job.kind == kind for job in followers) == 5)
        gate.closed = False
        gate.open.set()
        assert {answer.result().status_code for answer in answers} == {200}
        assert captured.ended(kind, "finished") == finished + 1


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

    at = Captured(client).at
    monkeypatch.setattr("headscope.analysis.roles.roles", work)
    monkeypatch.setattr("headscope.web.routes.roles.as_json", lambda _: Answer({}, {}, ""))
    gc.disable()
    try:
        for seconds, headers in itertools.product((600, 1e-9), (None, EVENTS)):
            set_deadline(client, seconds)
            client.get(f"{at}/roles", headers=headers)
        until(lambda: [ref() for ref in made] == [None] * 4)
    finally:
        gc.enable()
