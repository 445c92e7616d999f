"""Connections of slow clients are closed (fault 26)."""

import asyncio
import socket
from time import monotonic, sleep
from types import SimpleNamespace
from unittest.mock import Mock
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi.responses import StreamingResponse
from uvicorn import Config
from uvicorn.server import ServerState
from worlds import running, until

from headscope.main import create_app
from headscope.web.sockets import MAX_COUNTED_BYTES, MIN_RATE, protocol_with_timeout

SECONDS = 1.0
LONG = 64  # MB, far more than the buffers of the system


@pytest.fixture(scope="module")
def server(models_dir):
    """A server with a timeout of one second, and the responses to /long that have ended."""
    from headscope.settings import Settings

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

    with running(app, settings) as (url, _):
        yield url, ended


def connected(url):
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what the client does not read stays in the server
    made.settimeout(30)
    made.connect((urlsplit(url).hostname, urlsplit(url).port))
    return made


def until_closed(client):
    """The bytes and the seconds until the server closes the connection."""
    began, answer = monotonic(), 0
    try:
        while part := client.recv(2**16):
            answer += len(part)
    except ConnectionResetError:
        pass
    return answer, monotonic() - began


HEAD = b"POST /api/v1/captures HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", HEAD + b"\r\n", HEAD + b'\r\n{"text": '],
    ids=["nothing", "a word", "half a head", "no body", "half a body"],
)
def test_a_client_that_does_not_finish_its_request_is_disconnected(server, sent):
    with connected(server[0]) as client:
        client.sendall(sent)
        assert until_closed(client)[1] < 10 * SECONDS


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
        assert until_closed(client)[1] < 4.5  # uvicorn closes idle connections after five seconds


def test_headers_without_an_end_are_refused(server):
    with connected(server[0]) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 2**17)
        assert client.recv(2**16).startswith(b"HTTP/1.1 400")


def test_a_client_that_does_not_read_is_disconnected_and_its_work_stops(server):
    url, ended = server
    before = len(ended)
    with connected(url) as client:
        client.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: len(ended) > before)
        assert until_closed(client)[0] < LONG * 2**20


def test_a_client_that_waits_for_the_server_is_not_disconnected(server):
    with httpx2.Client(base_url=server[0], timeout=60) as client:
        assert client.get("/slow").status_code == 200
        sleep(1.5 * SECONDS)
        assert client.get("/healthz").status_code == 200


# With a clock of the test


class Clock:
    """The clock of an event loop; the test advances its time."""

    def __init__(self):
        self.now, self.timers = 0.0, []

    def time(self):
        return self.now

    def call_later(self, seconds, work):
        timer = SimpleNamespace(at=self.now + seconds, work=work)
        timer.cancel = lambda: timer in self.timers and self.timers.remove(timer)
        self.timers.append(timer)
        return timer

    def pass_(self, seconds):
        end = self.now + seconds
        while due := [timer for timer in self.timers if timer.at <= end]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.now = first.at
            first.work()
        self.now = end

    def create_task(self, work):
        work.close()  # no response is needed
        return Mock()


class Wire:
    """A transport that records how it was closed."""

    def __init__(self):
        self.buffered, self.closed = 0, []

    def get_extra_info(self, *_):
        return None

    def is_closing(self):
        return bool(self.closed)

    def get_write_buffer_size(self):
        return self.buffered

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def close(self):
        self.closed.append("close")

    def abort(self):
        self.closed.append("abort")


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n"


@pytest.fixture
def connection():
    """A connection with a timeout of 20 s."""
    made = protocol_with_timeout(20)(Config(None, lifespan="off", log_config=None), ServerState(), {}, Clock())
    made.connection_made(Wire())
    return made


def test_an_incomplete_request_times_out_after_twenty_seconds(connection):
    connection.loop.pass_(19.9)
    assert connection.transport.closed == []
    connection.loop.pass_(0.2)
    assert connection.transport.closed == ["close"]


def test_the_timeout_grows_with_the_size_of_the_body(connection):
    connection.data_received(POST)
    for _ in range(10):
        connection.data_received(bytes(10 * MIN_RATE))
        connection.cycle.body.clear()
        connection.flow.resume_reading()
        connection.loop.pass_(10)
    assert connection.transport.closed == []
    connection.loop.pass_(19.9)
    assert connection.transport.closed == []
    connection.loop.pass_(0.2)
    assert connection.transport.closed == ["close"]


def test_the_timeout_of_a_body_without_an_end_stops_growing(connection):
    connection.data_received(POST)
    connection.received = 100 * MAX_COUNTED_BYTES
    connection.loop.pass_(20 + MAX_COUNTED_BYTES / MIN_RATE + 0.1)
    assert connection.transport.closed == ["close"]


def test_a_body_sent_byte_by_byte_times_out(connection):
    connection.data_received(POST)
    for _ in range(21):
        connection.data_received(b".")
        connection.loop.pass_(1)
    assert connection.transport.closed == ["close"]


def test_the_timeout_does_not_run_while_the_server_is_not_reading(connection):
    connection.data_received(POST)
    connection.flow.pause_reading()
    connection.loop.pass_(100)
    connection.flow.resume_reading()
    assert connection.transport.closed == []
    connection.loop.pass_(40.1)
    assert connection.transport.closed == ["close"]


def test_a_complete_request_has_no_timer(connection):
    connection.data_received(GET[:9])
    connection.loop.pass_(10)
    connection.data_received(GET[9:])
    assert connection.loop.timers == []


def test_a_client_that_reads_fast_enough_is_not_disconnected(connection):
    connection.data_received(GET)
    connection.transport.buffered = 300 * MIN_RATE
    connection.pause_writing()
    for _ in range(10):
        connection.transport.buffered -= 20 * MIN_RATE
        connection.loop.pass_(20)
    assert connection.transport.closed == []
    connection.transport.buffered -= 19 * MIN_RATE
    connection.loop.pass_(20)
    assert connection.transport.closed == ["abort"]


def test_a_response_that_was_read_has_no_timer(connection):
    connection.data_received(GET)
    connection.pause_writing()
    connection.resume_writing()
    assert connection.loop.timers == []


def test_a_lost_connection_has_no_timer(connection):
    connection.data_received(POST)
    connection.pause_writing()
    connection.connection_lost(None)
    assert connection.loop.timers == []
