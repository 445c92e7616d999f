"""Connections of slow clients are closed (fault 26), also when only the end of a response is unread (fault 38)."""

import asyncio
import re
import socket
from contextlib import suppress
from time import sleep
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse
from uvicorn.protocols.http.h11_impl import H11Protocol
from worlds import running, until

from headscope.main import create_app
from headscope.settings import Settings
from headscope.web import sockets
from headscope.web.parse_turns import ParseTurns

pytestmark = pytest.mark.fault(26)
SECONDS = 1.0
LONG = 64  # MB, far more than the buffers of the system


@pytest.fixture(scope="module")
def server(models_dir):
    """A server with a timeout of one second, and the responses to /long that have ended."""
    settings = Settings(model="local:gpt2", models_dir=models_dir, socket_seconds=SECONDS)
    app, ended = create_app(settings), []

    @app.get("/slow")
    async def slow():
        await asyncio.sleep(2 * SECONDS)

    @app.get("/long")
    async def long():
        async def body():
            try:
                for _ in range(LONG):
                    yield bytes(2**20)
            finally:
                ended.append(1)

        return StreamingResponse(body())

    @app.get("/until-gone")
    async def until_gone(request: Request):
        await request.body()
        ended.append(0)  # it has begun
        await request.receive()
        ended.append(1)

    @app.get("/tail")
    async def tail():
        async def body():
            [connection] = [one for one in live.server_state.connections if one.scope["path"] == "/tail"]
            while not connection.transport.get_write_buffer_size():
                yield bytes(2**13)
                await asyncio.sleep(0.001)  # the loop writes what the system takes

        return StreamingResponse(body(), headers={"Connection": "close"})

    with running(app, settings) as (url, live):
        yield url, ended


def connected(url):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what the client does not read stays in the server
    made.settimeout(30)
    made.connect((urlsplit(url).hostname, urlsplit(url).port))
    return made


def until_closed(client):
    """The bytes that arrive until the server closes the connection; the client's own timeout is an error."""
    received = 0
    try:
        while part := client.recv(2**16):
            received += len(part)
    except ConnectionResetError:
        pass
    return received


HEAD = b"POST /api/v1/captures HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"


@pytest.mark.fault(26, decides=True)
@pytest.mark.parametrize(
    "sent",
    [b"", b"GET", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", HEAD + b"\r\n", HEAD + b'\r\n{"text": '],
    ids=["nothing", "a word", "half a head", "no body", "half a body"],
)
def test_a_client_that_does_not_finish_its_request_is_disconnected(server, sent):
    with connected(server[0]) as client:
        client.sendall(sent)
        until_closed(client)


@pytest.mark.parametrize("before", [b"GET /healthz HTTP/1.1\r\nX: ", HEAD + b"\r\n"], ids=["head", "body"])
def test_a_client_that_sends_byte_by_byte_is_disconnected(server, before):
    with connected(server[0]) as client, pytest.raises(ConnectionError):
        client.sendall(before)
        for _ in range(200):
            sleep(SECONDS / 10)
            client.sendall(b" ")


def test_a_client_that_does_not_finish_its_second_request_is_disconnected(server):
    with connected(server[0]) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(2**16).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /heal")
        until_closed(client)


def test_headers_without_an_end_are_refused(server):
    with connected(server[0]) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 2**17)
        assert client.recv(2**16).startswith(b"HTTP/1.1 431")


@pytest.mark.fault(26, decides=True)
def test_a_client_that_does_not_read_is_disconnected_and_its_work_stops(server):
    url, ended = server
    before = len(ended)
    with connected(url) as client:
        client.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: len(ended) > before)
        assert until_closed(client) < LONG * 2**20


@pytest.mark.fault(38)
def test_a_client_that_does_not_read_the_end_of_a_response_is_disconnected(server):
    with connected(server[0]) as client:
        client.sendall(b"GET /tail HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: open_connections(server[0]) == 1)  # only that of this request


def open_connections(url):
    numbers = httpx2.get(f"{url}/metrics", timeout=60).text
    return float(re.search(r"^headscope_connections (.*)$", numbers, re.MULTILINE)[1])


def test_a_client_that_waits_for_the_server_is_not_disconnected(server):
    with httpx2.Client(base_url=server[0], timeout=60) as client:
        assert client.get("/slow").status_code == 200
        sleep(1.5 * SECONDS)
        assert client.get("/healthz").status_code == 200


CHUNKED = HEAD.replace(b"captures", b"nowhere").replace(b"Content-Length: 99", b"Transfer-Encoding: chunked") + b"\r\n"
TINY = b"1\r\n \r\n"


@pytest.mark.fault(38, 41)
def test_after_a_response_the_rest_of_its_request_is_dropped_without_parsing_it(server, monkeypatch):
    parsed, data_received = [], H11Protocol.data_received
    monkeypatch.setattr(H11Protocol, "data_received", lambda *given: parsed.append(given[1]) or data_received(*given))
    monkeypatch.setattr(sockets, "DISCARD_SECONDS", SECONDS)
    with connected(server[0]) as client:
        client.sendall(CHUNKED)
        answer = b""
        while part := client.recv(2**16):
            answer += part
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"connection: close" in answer.lower()
        parsed.clear()
        with pytest.raises(ConnectionError):
            for _ in range(200):
                client.sendall(100 * TINY)
                sleep(SECONDS / 10)
        assert parsed == []


@pytest.mark.fault(41)
def test_a_body_in_tiny_chunks_is_refused(server):
    with connected(server[0]) as client:
        client.sendall(CHUNKED.replace(b"nowhere", b"captures") + 30_000 * TINY)
        assert client.recv(2**16).startswith(b"HTTP/1.1 400")


@pytest.mark.fault(41)
def test_each_request_of_a_pipeline_is_parsed_in_its_turn(server, monkeypatch):
    steps, run_now = [], ParseTurns.run_now
    monkeypatch.setattr(ParseTurns, "run_now", lambda turns, step: steps.append(step) or run_now(turns, step))
    with connected(server[0]) as client:
        client.sendall(5 * b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answers = b""
        while answers.count(b'{"status":"ok"}') < 5:
            answers += client.recv(2**16)
    assert len(steps) >= 5


@pytest.mark.fault(22)
@pytest.mark.parametrize(("requests", "leaves"), [(1_000, True), (5_000, False)])
def test_a_client_that_has_sent_more_requests_is_noticed_when_it_leaves_and_limited(server, requests, leaves):
    url, ended = server
    before = len(ended)
    with connected(url) as client:
        client.sendall(b"GET /until-gone HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: len(ended) == before + 1)
        with suppress(ConnectionError):
            client.sendall(requests * b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if leaves:
            client.close()
        until(lambda: len(ended) == before + 2, seconds=20)
