"""Clients that do not read: what they hold, and when it is free again. Real sockets, because buffers are the point."""

import io
import json
import logging
import socket
import time
from contextlib import ExitStack, contextmanager

import httpx2
import numpy as np
import pytest
from worlds import running, until, write_tiny

from headscope.capture import windows
from headscope.engine import slow_readers
from headscope.engine.event_space import BYTES_PER_THUMBNAIL_CELL
from headscope.main import create_app
from headscope.settings import Settings
from headscope.web.responses import STREAM_BYTES, WHOLE_BYTES
from headscope.web.streams import SLICE_BYTES

READERS = 12
TEXT = "cat " * 600
BODY = {"text": TEXT, "truncate": True}
HEAD_WINDOW = windows.head_window


@pytest.fixture(scope="module")
def long_server(tmp_path_factory):
    """A live server with a model of 600 tokens: its address, its application, and uvicorn's server."""
    top = tmp_path_factory.mktemp("long")
    write_tiny(top / "long", "gpt2", n_positions=600)
    settings = Settings(model="local:long", models_dir=top, socket_seconds=60)
    app = create_app(settings)
    with running(app, settings) as (url, server):
        yield url, app, server


@pytest.fixture
def server(long_server):
    """The address and the runner of that server; and the path of a capture."""
    url, app, _ = long_server
    path = httpx2.post(f"{url}/api/v1/captures", json=BODY, timeout=60).headers["location"]
    return url, app.state.runner, path


@pytest.fixture
def blocks(monkeypatch):
    """A list that grows by one for each block of a map that is computed; a map has 100 blocks of 6 rows."""
    computed = []
    monkeypatch.setattr(windows, "WEIGHTS_PER_CHUNK", 3600)
    monkeypatch.setattr(windows, "head_window", lambda *_, **__: computed.append(1) or HEAD_WINDOW(*_, **__))
    return computed


@contextmanager
def unread(url, method, path, body=None, encoding="identity", accept="*/*"):
    """A connection on which a request was sent, and whose answer is not read."""
    host = httpx2.URL(url)
    sent = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\n"
    head += f"Accept: {accept}\r\nConnection: close\r\n"
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


@pytest.mark.fault(40, decides=True)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", ["dump?format=npy", "attention?format=npy", "attention"])
def test_clients_that_do_not_read_hold_a_window_each_and_not_an_answer(server, blocks, path, encoding):
    url, runner, capture = server
    method, where, body = "GET", f"{capture}/{path}", None
    if path.startswith("attention"):
        method, where, body = "POST", f"/api/v1/{path}", {**BODY, "layers": [0, 1]}
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
        until(lambda: runner.ledger.bytes("answers") > WHOLE_BYTES)
        at_rest(lambda: runner.ledger.bytes("answers"))
        assert runner.ledger.bytes("answers") > WHOLE_BYTES
    until(lambda: runner.ledger.bytes("answers") == 0)
    assert httpx2.get(f"{url}{path}", timeout=60).status_code == 200
    until(lambda: runner.ledger.bytes("answers") == 0)


@pytest.mark.fault(40)
def test_an_answer_that_does_not_fit_beside_those_of_slow_readers_is_503_and_small_ones_are_served(server):
    url, runner, capture = server
    with runner.ledger.reserve("answers", runner.ledger.max_bytes - runner.ledger.bytes() - WHOLE_BYTES, "others"):
        busy = httpx2.get(f"{url}{capture}/norms/0?format=npy", timeout=60)
        small = httpx2.get(f"{url}{capture}/heads/0/0?rows=0:9&columns=0:9", timeout=60)
    assert (busy.status_code, busy.json()["code"], small.status_code) == (503, "busy", 200)
    assert int(busy.headers["retry-after"]) > 0


FOLLOWERS = 60
EVENTS = "text/event-stream"


def follow(stack, url, query, encoding="identity"):
    path = f"/api/v1/captures?{query}"
    return stack.enter_context(unread(url, "POST", path, BODY, encoding, EVENTS))


@pytest.mark.fault(40)
@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_followers_of_one_run_share_its_events_and_hold_a_slice_each(long_server, server, monkeypatch, encoding):
    url, runner, _ = server
    made, thumbnails = [], windows.thumbnails
    monkeypatch.setattr(windows, "thumbnails", lambda *given: made.append(given[0]) or thumbnails(*given))
    event_bytes = 4 * 300**2 * 4 / 3  # base64 of four heads; 600 tokens in at most 512 cells are 300
    with ExitStack() as stack:
        clients = [follow(stack, url, "cells=512", encoding) for _ in range(FOLLOWERS)]
        until(lambda: len(long_server[2].server_state.connections) >= FOLLOWERS)
        until(lambda: made)
        held = at_rest(lambda: runner.ledger.bytes("streams"))
        space = 4 * 512**2 * BYTES_PER_THUMBNAIL_CELL  # one for all streams of the capture
        assert held < space + 3 * 1.1 * event_bytes + 2 * 100_000  # and one copy of each layer, and of the tokens
        assert held > 0 or encoding == "gzip"  # compressed, the whole stream may fit into the buffers of the system
        assert 0 < len(made) <= 3
        buffers = [each.transport.get_write_buffer_size() for each in long_server[2].server_state.connections]
        assert sum(buffers) <= FOLLOWERS * 3 * SLICE_BYTES
        answer = clients[0].makefile("rb").read()
    until(lambda: runner.ledger.bytes("streams") == 0)
    assert answer.startswith(b"HTTP/1.1 200")
    assert encoding == "gzip" or answer.count(b"event: layer") == 3
    assert len(made) <= 3 * 2  # that of a layer may be made again for a client that comes later


@pytest.mark.fault(40)
def test_a_stream_for_whose_events_there_is_no_memory_is_refused_before_it_begins(server):
    url, runner, _ = server
    others = runner.ledger.max_bytes - runner.ledger.bytes() - 1_000_000
    with runner.ledger.reserve("answers", others, "others"):
        headers = {"Accept": EVENTS}
        refused = httpx2.post(f"{url}/api/v1/captures?cells=512", json=BODY, headers=headers, timeout=60)
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    until(lambda: runner.ledger.bytes("streams") == 0)


@pytest.mark.fault(40)
@pytest.mark.parametrize("what", ["stream", "dump"])
def test_a_client_that_reads_a_stream_or_a_dump_slowly_is_dropped_when_memory_is_short(
    server, monkeypatch, what, caplog
):
    url, runner, capture = server
    caplog.set_level(logging.ERROR, "uvicorn.error")  # which `running` turns off
    caplog.set_level(logging.INFO)
    method, path, body = ("POST", "/api/v1/captures?cells=512", BODY) if what == "stream" else ("GET", "", None)
    with unread(url, method, path or f"{capture}/dump?format=npy", body, accept=EVENTS if body else "*/*"):
        until(lambda: any(reader.since for reader in list(runner.slow_readers.readers)))
        runner.slow_readers.end_longest()
        assert runner.slow_readers.readers, "the client gets some time, whatever others need"
        monkeypatch.setattr(slow_readers, "FAIR_SECONDS", 0)
        runner.slow_readers.end_longest()
        until(lambda: not runner.pools.open_dumps and not runner.ledger.bytes("streams"))
    assert not runner.slow_readers.readers
    until(lambda: any("memory is short: an answer was ended" in line for line in caplog.messages))
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


@pytest.mark.fault(40)
def test_clients_that_wait_for_one_analysis_share_its_answer(server):
    url, runner, capture = server
    path = f"{capture}/scores?per=query"
    with ExitStack() as stack:
        for _ in range(READERS):
            stack.enter_context(unread(url, "GET", path, accept=EVENTS))
        until(lambda: runner.ledger.count("answers") == READERS)
        answers = lambda: [key for key in list(runner.shared.made) if key[0] == "analysis"]  # noqa: E731
        until(answers)
        assert at_rest(lambda: len(answers())) == 1
    until(lambda: runner.ledger.bytes("answers") == 0)
    until(lambda: not runner.shared.made)


@pytest.mark.fault(40)
def test_a_client_that_has_read_a_large_answer_for_long_is_dropped_when_memory_is_short(server, monkeypatch):
    url, runner, capture = server
    path = f"{capture}/overview?cells=512&format=npy"
    with unread(url, "GET", path) as client:
        until(lambda: runner.ledger.bytes("answers") > WHOLE_BYTES)
        held = at_rest(lambda: runner.ledger.bytes("answers"))
        others = runner.ledger.max_bytes - runner.ledger.bytes() - held + 1
        with runner.ledger.reserve("answers", others, "others"):
            assert httpx2.get(f"{url}{path}", timeout=60).status_code == 503
            assert runner.ledger.count("answers") == 2  # the client gets some time, whatever others need
            monkeypatch.setattr(slow_readers, "FAIR_SECONDS", 0)
            assert httpx2.get(f"{url}{path}", timeout=60).status_code == 503
            until(lambda: runner.ledger.count("answers") == 1)
        assert httpx2.get(f"{url}{path}", timeout=60).status_code == 200
        assert len(client.makefile("rb").read()) < held / 8  # the connection was closed before the end
