"""The shutdown of the server (fault 27)."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event

import httpx2
import pytest
from fastapi.responses import StreamingResponse
from worlds import running, until

from headscope.engine.progress import WorkProgress
from headscope.main import create_app

pytestmark = pytest.mark.fault(27)
TEXT = {"text": "The cat sat on the mat."}
CAPTURES = "/api/v1/captures"
POST = b"POST /api/v1/captures HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def stopping(settings, monkeypatch):
    """A server with one run that waits in each layer for `held`, and one queued request."""
    held, begun, check = Event(), Event(), WorkProgress.check

    def waiting(self):
        begun.set()
        while not held.wait(0.01):
            check(self)

    with running(create_app(settings), settings) as (url, server), httpx2.Client(base_url=url, timeout=60) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        monkeypatch.setattr(WorkProgress, "check", waiting)  # loading the model checks too
        with ThreadPoolExecutor(2) as pool:
            stream = pool.submit(client.post, CAPTURES, json=TEXT, headers=STREAM)
            until(begun.is_set)
            plain = pool.submit(client.post, CAPTURES, json={"text": "it waits behind the other"})
            until(lambda: b'headscope_waiting{for="model"} 1' in client.get("/metrics").content)
            yield client, server, held, stream, plain
            held.set()


def test_a_server_that_shuts_down_is_not_ready_refuses_new_work_and_finishes_running_work(stopping):
    client, server, held, stream, plain = stopping
    server.stop()
    answer, refused = client.get("/readyz"), client.post(CAPTURES, json={"text": "a third"})
    assert (answer.status_code, answer.json()) == (503, {"status": "stopping"})
    assert (refused.status_code, refused.json()["code"]) == (503, "stopping")
    assert int(refused.headers["retry-after"]) > 0
    assert client.get("/healthz").status_code == 200
    held.set()
    assert "event: done" in stream.result().text
    assert plain.result().status_code == 201
    until(lambda: server.should_exit)


def test_runs_that_do_not_finish_in_time_get_the_error_stopping(stopping, monkeypatch):
    client, server, held, stream, plain = stopping
    monkeypatch.setattr("headscope.web.server.FINISH_SECONDS", 0.5)
    server.stop()
    *_, name, data = stream.result().text.split("\n\n")[-2].splitlines()
    assert (name, json.loads(data.removeprefix("data: "))["code"]) == ("event: error", "stopping")
    assert (plain.result().status_code, plain.result().json()["code"]) == (503, "stopping")


def test_who_waits_for_a_model_gets_the_error_stopping(settings, monkeypatch):
    begun, go_on = Event(), Event()
    with running(create_app(settings), settings) as (url, server), httpx2.Client(base_url=url, timeout=60) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        monkeypatch.setattr("headscope.engine.model_cache.read_model", lambda *_: begun.set() or go_on.wait(60))
        with ThreadPoolExecutor(2) as pool:
            requests = [
                pool.submit(client.post, path, json={"model": "local:bert", **more})
                for path, more in (("/api/v1/models/load", {}), (CAPTURES, TEXT))
            ]
            assert begun.wait(60)
            server.stop()
            answers = [request.result() for request in requests]
            go_on.set()
    # not "download_cancelled": nobody cancelled it, and a folder is not downloaded
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "stopping")] * 2


def test_a_second_signal_stops_at_once(stopping):
    client, server, held, stream, plain = stopping
    server.handle_exit(signal.SIGINT, None)
    assert not server.should_exit
    server.handle_exit(signal.SIGINT, None)
    assert server.should_exit
    assert server.force_exit
    until(lambda: stream.done() and plain.done(), seconds=10)


SLOW = """
import asyncio
from headscope.web import server
server.CLOSE_SECONDS = 1
from fastapi.responses import StreamingResponse
from headscope import main

create_app = main.create_app

go_on = asyncio.Event()

async def body():
    yield b"begun, "
    await go_on.wait()
    await asyncio.sleep(2)
    yield b"done"

async def let_go_on():
    go_on.set()

def with_slow(settings):
    app = create_app(settings)
    app.get("/go-on")(let_go_on)
    app.get("/slow")(lambda: StreamingResponse(body(), media_type="text/event-stream"))
    return app

main.create_app = with_slow
from headscope.cli.command import run
run()
"""


@pytest.fixture
def served(tmp_path):
    """A server process and its address. Its model is refused before torch is imported."""
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "config.json").write_text("{")
    command = [sys.executable, "-c", SLOW, "serve", "--no-open", "--port", "0"]
    command += ["--model", "local:none", "--models-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().split()[3].rstrip(",")
        finally:
            process.kill()


@pytest.mark.fault(27, decides=True)
def test_sigterm_ends_a_server_whose_clients_do_not_read_send_or_close(served):
    process, url = served
    port = int(url.rpartition(":")[2])
    get = b"GET /docs/glossary HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as clients:
        for sent in (b"", get[:9], 200 * get):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            client.sendall(sent)
        assert httpx2.get(f"{url}/healthz", timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.fault(27, decides=True)
def test_sigterm_finishes_running_responses_and_exits_with_0(served):
    process, url = served
    with httpx2.stream("GET", f"{url}/slow", timeout=60) as answer:
        parts = answer.iter_bytes()
        assert next(parts) == b"begun, "
        process.send_signal(signal.SIGTERM)
        until(lambda: httpx2.get(f"{url}/readyz", timeout=60).json()["status"] == "stopping")
        assert httpx2.get(f"{url}/go-on", timeout=60).status_code == 200
        assert b"".join(parts) == b"done"
    assert process.wait(30) == 0


@pytest.mark.fault(51)
def test_a_shutdown_does_not_wait_for_a_request_that_has_not_arrived(settings, monkeypatch, capsys):
    monkeypatch.setattr("headscope.web.server.FINISH_SECONDS", 1000)
    with (
        running(create_app(settings), settings, log_level="error") as (url, server),
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 30) as client,
    ):
        client.sendall(POST + b"Content-Length: 99\r\n\r\n{")
        until(lambda: server.server_state.tasks)
        server.stop()
        until(lambda: server.should_exit, seconds=20)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.fault(51)
def test_a_shutdown_ends_responses_that_are_not_read_without_a_traceback(settings, monkeypatch, capsys):
    monkeypatch.setattr("headscope.web.server.FINISH_SECONDS", 0)
    monkeypatch.setattr("headscope.web.server.CLOSE_SECONDS", 2)
    app = create_app(settings)

    @app.get("/endless")
    async def endless():
        async def parts():
            while True:
                yield bytes(2**20)
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    with (
        running(app, settings, log_level="error") as (url, server),
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 30) as client,
    ):
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: any(one.flow.write_paused for one in list(server.server_state.connections)))
        server.stop()
        until(lambda: not server.server_state.tasks)
    assert capsys.readouterr().err == ""


IMPORTING = """
import builtins, time
real = builtins.__import__

def slow(name, globals=None, locals=None, fromlist=(), level=0):
    if "create_app" in (fromlist or ()):
        print("importing", flush=True)
        time.sleep(60)
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = slow
from headscope.cli.command import run
run()
"""


@pytest.mark.fault(51)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_server_starts_ends_it_quietly(number):
    command = [sys.executable, "-c", IMPORTING, "serve", "--no-open", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "importing\n"
        process.send_signal(number)
        assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0


@pytest.mark.fault(36)
def test_clients_cannot_fill_the_log_with_malformed_requests(settings, capsys):
    with running(create_app(settings), settings, log_level="warning") as (url, _):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 30) as client:
            client.sendall(b"\x16\x03\x01\r\n\r\n")
            assert client.recv(2**16).startswith(b"HTTP/1.1 400")
        httpx2.get(f"{url}/healthz", headers={"Connection": "upgrade", "Upgrade": "websocket"})
    logged = capsys.readouterr().err
    assert ("Invalid HTTP" in logged, "upgrade" in logged) == (False, False)
