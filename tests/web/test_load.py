"""Many requests at once, and many in sequence (faults 21 and 28)."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import httpx2
import pytest
from model_files import bytes_in_memory
from worlds import live

from headscope.capture import capture
from headscope.engine.progress import WorkProgress
from headscope.engine.runner import Runner

CAPTURES = "/api/v1/captures"
MODELS = ("local:gpt2", "local:bert")


async def ask(url, method, path, body=None):
    """(status, headers, body) of one request on a new connection."""
    where = urlsplit(url)
    sent = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    writer.write(f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent)
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().splitlines()
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, json.loads(body)


async def crowd(url, held):
    """The responses to 200 requests at once, those of /healthz meanwhile, and that to a text that is in the queue.

    The model waits for `held`.
    """
    texts = [{"text": f"a text {n}"} for n in range(200)]
    requests = [asyncio.create_task(ask(url, "POST", CAPTURES, body)) for body in texts]
    refused, health = [], []
    while len(refused) < 200 - 33:
        health.append(await ask(url, "GET", "/healthz"))
        refused = [task for task in requests if task.done()]
    queued = next(body for body, task in zip(texts, requests, strict=True) if not task.done())
    joined = asyncio.create_task(ask(url, "POST", CAPTURES, queued))
    health.append(await ask(url, "GET", "/healthz"))
    held.set()
    answers = await asyncio.gather(*requests)
    return [task.result() for task in refused], health, answers, await joined


@pytest.mark.fault(21, decides=True)
def test_of_200_requests_at_once_33_are_queued_and_the_others_get_503_at_once(settings, monkeypatch):
    held, check, tokenized, tokenize = Event(), WorkProgress.check, [], capture.tokenize_prompt
    reached, prepare = [], Runner.prepare
    monkeypatch.setattr(WorkProgress, "check", lambda self: check(self) or (self.unit == "layers" and held.wait(60)))
    monkeypatch.setattr(capture, "tokenize_prompt", lambda *given: tokenized.append(1) or tokenize(*given))
    monkeypatch.setattr(Runner, "prepare", lambda self, prompt: reached.append(prompt) or prepare(self, prompt))
    with live(settings) as url, ThreadPoolExecutor(1) as pool:
        # In a thread of its own: the browser tests leave an event loop running in this one.
        httpx2.post(f"{url}/api/v1/models/load", json={"model": settings.model}, timeout=60).raise_for_status()
        refused, health, answers, joined = pool.submit(asyncio.run, crowd(url, held)).result()
    assert len(refused) == 167  # before any other response
    for status, headers, problem in refused:
        assert (status, problem["code"]) == (503, "busy")
        assert int(headers["retry-after"]) > 0
    assert [status for status, *_ in answers].count(201) == 33
    assert len(tokenized) == 33  # a refusal costs little
    # The others are refused before the endpoint, but for some whose headers had arrived before the queue was full.
    assert 33 + 1 <= len(reached) < 40
    assert joined[0] == 200
    assert {(status, body["status"]) for status, _, body in health} == {(200, "ok")}


def used(url):
    """Threads, open files, and bytes of memory, when no request is running."""
    answer = httpx2.get(f"{url}/metrics", timeout=60).text
    numbers = dict(line.rsplit(" ", 1) for line in answer.splitlines() if not line.startswith("#"))
    memory = float(numbers.get("process_resident_memory_bytes", 0))
    return threading.active_count(), len(list(Path("/dev/fd").iterdir())), memory


@pytest.mark.fault(28, decides=True)
def test_hundreds_of_requests_and_loads_leak_no_threads_files_or_memory(settings, models_dir):
    sizes = [bytes_in_memory(models_dir / model[6:]) for model in MODELS]
    one = settings.model_copy(update={"max_model_bytes": max(sizes), "max_capture_bytes": 100_000})
    with live(one) as url, httpx2.Client(base_url=url, timeout=60) as client:

        def go(rounds):
            for n in range(rounds):
                made = client.post(CAPTURES, json={"text": f"a text {n}", "model": MODELS[n // 25 % 2]})
                assert made.status_code in (200, 201)
                assert client.get(f"{made.headers['location']}/heads/0/0?format=npy").status_code == 200
                assert client.get(f"{made.headers['location']}/overview").status_code == 200
            return used(url)

        threads, files, memory = go(30)
        later = go(100)
        states = [card["state"] for card in client.get("/api/v1/models").json()["models"] if card["id"] in MODELS]
    assert sorted(states) == ["available", "ready"]  # one fits into memory, so each was loaded many times
    assert later[0] <= threads + 2
    assert later[1] <= files + 2
    assert later[2] < memory + 50 * 2**20
