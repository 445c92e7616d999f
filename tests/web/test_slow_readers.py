"""Clients that do not read: what they hold, and when it is free again. Real sockets, because buffers are the point."""

import io
import json
import socket
import time
from contextlib import ExitStack, contextmanager

import httpx2
import numpy as np
import pytest
from worlds import running, until, write_tiny

from headscope.capture import windows
from headscope.main import create_app
from headscope.settings import Settings
from headscope.web.responses import STREAM_BYTES, WHOLE_BYTES

READERS = 12
TEXT = "cat " * 600
HEAD_WINDOW = windows.head_window


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address and the runner of a live server with a model of 600 tokens; and the path of a capture."""
    top = tmp_path_factory.mktemp("long")
    write_tiny(top / "long", "gpt2", n_positions=600)
    settings = Settings(model="local:long", models_dir=top, socket_seconds=60)
    app = create_app(settings)
    with running(app, settings) as (url, _):
        body = {"text": TEXT, "truncate": True}
        path = httpx2.post(f"{url}/api/v1/captures", json=body, timeout=60).headers["location"]
        yield url, app.state.runner, path


@pytest.fixture
def blocks(monkeypatch):
    """A list that grows by one for each block of a map that is computed; a map has 100 blocks of 6 rows."""
    computed = []
    monkeypatch.setattr(windows, "WEIGHTS_PER_CHUNK", 3600)
    monkeypatch.setattr(windows, "head_window", lambda *_, **__: computed.append(1) or HEAD_WINDOW(*_, **__))
    return computed


@contextmanager
def unread(url, method, path, body=None, encoding="identity"):
    """A connection on which a request was sent, and whose answer is not read."""
    host = httpx2.URL(url)
    sent = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((host.host, host.port))
        client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n".encode() + sent)
        yield client


def at_rest(number):
    """Wait until `number()` has not changed for 0.3 s; returns it."""
    seen, since = number(), time.monotonic()
    while time.monotonic() - since < 0.3:
        time.sleep(0.02)
        if number() != seen:
            seen, since = number(), time.monotonic()
    return seen


@pytest.mark.fault(40)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", ["dump?format=npy", "attention?format=npy", "attention"])
def test_clients_that_do_not_read_hold_a_window_each_and_not_an_answer(server, blocks, path, encoding):
    url, runner, capture = server
    method, where, body = "GET", f"{capture}/{path}", None
    if path.startswith("attention"):
        method, where, body = "POST", f"/api/v1/{path}", {"text": TEXT, "truncate": True, "layers": [0, 1]}
    with ExitStack() as stack:
        clients = [stack.enter_context(unread(url, method, where, body, encoding)) for _ in range(READERS)]
        until(lambda: runner.ledger.count("answers") == READERS)
        until(lambda: len(blocks) >= READERS)
        computed = at_rest(lambda: len(blocks))
        assert computed < READERS * 800 / 4  # of 800 blocks or more in each answer
        assert runner.ledger.bytes("answers") == READERS * STREAM_BYTES
        assert clients[0].recv(12) == b"HTTP/1.1 200"
    until(lambda: runner.ledger.bytes("answers") == 0)


@pytest.mark.fault(40)
def test_a_large_window_is_computed_while_it_is_read(server, blocks):
    url, runner, capture = server
    path = f"{capture}/heads/1/2?format=npy"
    with unread(url, "GET", path) as client:
        until(lambda: runner.ledger.count("answers") == 1)
        assert at_rest(lambda: len(blocks)) < 100
        answer = client.makefile("rb").read()
    until(lambda: runner.ledger.bytes("answers") == 0)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}" in head.decode().lower()
    whole = HEAD_WINDOW(runner.captures.get(capture.split("/")[-1]), 1, 2, windows.window(600, None, None, None))
    np.testing.assert_allclose(np.load(io.BytesIO(body)), whole, atol=1e-6)
    assert len(blocks) == 100


@pytest.mark.fault(40)
@pytest.mark.parametrize("path", ["norms/0", "heads/0/0?quantity=norm", "heads/0/0?words=true", "overview?cells=200"])
def test_an_answer_that_is_computed_as_a_whole_is_held_until_it_is_read(server, path):
    url, runner, capture = server
    path = f"{capture}/{path}{'&' if '?' in path else '?'}format=npy"
    with unread(url, "GET", path):
        until(lambda: runner.ledger.count("answers") == 1)
        at_rest(lambda: runner.ledger.bytes("answers"))
        assert runner.ledger.bytes("answers") > WHOLE_BYTES
    until(lambda: runner.ledger.bytes("answers") == 0)
    assert httpx2.get(f"{url}{path}").status_code == 200
    until(lambda: runner.ledger.bytes("answers") == 0)


@pytest.mark.fault(40)
def test_an_answer_that_does_not_fit_beside_those_of_slow_readers_is_503_and_small_ones_are_served(server):
    url, runner, capture = server
    with runner.ledger.reserve("answers", runner.ledger.max_bytes - runner.ledger.bytes() - WHOLE_BYTES, "others"):
        busy = httpx2.get(f"{url}{capture}/norms/0?format=npy")
        small = httpx2.get(f"{url}{capture}/heads/0/0?rows=0:9&columns=0:9")
    assert (busy.status_code, busy.json()["code"], small.status_code) == (503, "busy", 200)
    assert int(busy.headers["retry-after"]) > 0
