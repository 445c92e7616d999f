"""The timeouts of a connection, with a clock of the test (faults 26 and 38)."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from headscope.settings import Settings
from headscope.web.connections import Connections
from headscope.web.slow_clients import MAX_COUNTED_BYTES, MIN_RATE
from headscope.web.sockets import protocol_with_limits

pytestmark = pytest.mark.fault(26)


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

    def set_protocol(self, protocol):
        pass

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
    limits = Connections(Settings())
    made = protocol_with_limits(20, limits)(Config(None, lifespan="off", log_config=None), ServerState(), {}, Clock())
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
    connection.loop.pass_(9.9)
    assert connection.transport.closed == []
    connection.loop.pass_(0.2)
    assert connection.transport.closed == ["close"]


@pytest.mark.fault(40)
def test_a_body_that_arrives_fast_and_then_stops_times_out(connection):
    connection.data_received(POST)
    connection.data_received(bytes(1000 * MIN_RATE))
    connection.cycle.body.clear()
    connection.flow.resume_reading()
    connection.loop.pass_(20.1)
    assert connection.transport.closed == ["close"]


def test_the_timeout_of_a_body_without_an_end_stops_growing(connection):
    connection.data_received(POST)
    timer = connection.request_timer
    timer.received = timer.received_body = 100 * MAX_COUNTED_BYTES
    for _ in range(int(20 + MAX_COUNTED_BYTES / MIN_RATE) // 10):
        assert connection.transport.closed == []
        connection.data_received(b".")
        connection.loop.pass_(10)
    connection.loop.pass_(10)
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


@pytest.mark.fault(38)
def test_a_closed_connection_whose_client_reads_nothing_is_aborted_after_a_quarter_of_the_timeout(connection):
    connection.data_received(GET)
    connection.transport.buffered = 100
    connection.transport.close()
    passed = closed_for(connection, 4)
    assert passed == ["close"]
    assert closed_for(connection, 2) == ["close", "abort"]


@pytest.mark.fault(38)
def test_a_closed_connection_whose_client_reads_is_not_aborted(connection):
    connection.data_received(GET)
    connection.transport.buffered = 20 * MIN_RATE
    connection.transport.close()
    for _ in range(5):
        connection.transport.buffered -= 2 * MIN_RATE
        assert closed_for(connection, 4) == ["close"]


@pytest.mark.fault(38)
def test_a_closed_connection_whose_client_reads_byte_by_byte_is_aborted(connection):
    connection.data_received(GET)
    connection.transport.buffered = 20 * MIN_RATE
    connection.transport.close()
    for _ in range(28):
        connection.transport.buffered -= 1
        closed_for(connection, 1)
    assert connection.transport.closed[:2] == ["close", "abort"]


def closed_for(connection, seconds):
    """How the connection was closed, after so many seconds with the check that the server makes."""
    for _ in range(seconds):
        connection.response_timer.check_closing()
        connection.loop.pass_(1)
    return connection.transport.closed
