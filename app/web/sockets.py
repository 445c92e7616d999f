"""uvicorn's HTTP connection with timeouts for slow clients, and a limited number of connections.

uvicorn closes a connection that is idle between two requests. It waits without limit for the rest of a request that has
begun, for a client that does not read its response, and for the end of a connection that it has closed: `close()` first
sends what is buffered.
"""

import asyncio
from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.utils import get_remote_addr

from ..errors import AppError, BadRequest, HeadersTooLarge, TooManyConnections
from .connections import OTHER_FILES, Connections
from .headers import FILE_HEADERS
from .problems import answer_of, to_bytes
from .small_reads import SmallReads

# Bytes per second. The timeout of a request grows with its size at this rate, and a response must be read at least this
# fast: otherwise a client that sends or reads byte by byte would never time out.
MIN_RATE = 4096
# The length at which h11 gives up on headers without an end.
MAX_UNPARSED_BYTES = 2**16
# Bytes of a request that extend its timeout: otherwise a request without an end would never time out.
MAX_COUNTED_BYTES = 2**23
# A closed connection is aborted when its client has read nothing for this share of the timeout.
CLOSING_SHARE = 0.25
# Refused clients get this long to read why. More of them at the same time get no answer.
REFUSED_SECONDS = 1.0
MAX_REFUSED = OTHER_FILES // 4


class TimeoutProtocol(H11Protocol):
    """Closes the connection if the client makes it wait for `seconds`.

    h11 takes a tenth of a millisecond more per request than httptools. It runs on every platform, parses the end of a
    request strictly, and reads at most 64 KB of headers, where httptools has no limit.
    """

    seconds: float
    limits: Connections
    counted_as: str | None = None
    request_timer: asyncio.TimerHandle | None = None  # runs while a request is incomplete
    response_timer: asyncio.TimerHandle | None = None  # runs while the client does not read
    waiting_since = 0.0
    received = 0
    unread = 0
    closing_since: float | None = None  # or since its client has last read something
    closing_unread = 0
    abort_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        client = get_remote_addr(transport)
        try:
            self.counted_as = self.limits.add(client[0] if client else None)
        except TooManyConnections as error:
            refuse(transport, error, self)
            return
        super().connection_made(transport)
        transport.set_protocol(SmallReads(transport, self))
        self.start_request_timer()

    # The request

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        super().data_received(data)
        if self.is_incomplete() and not self.request_timer:
            self.received = len(data)
            self.start_request_timer()
        elif not self.is_incomplete():
            cancel_timers(self.request_timer)
            self.request_timer = None

    def is_incomplete(self) -> bool:
        """Whether the client has to send more before the server can respond."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is None or cycle.response_complete or cycle.more_body

    def start_request_timer(self) -> None:
        self.waiting_since = self.loop.time()
        self.request_timer = self.loop.call_later(self.seconds, self.check_request)

    def check_request(self) -> None:
        self.request_timer = None
        if self.flow.read_paused:  # the server is not reading, so the client cannot send
            self.start_request_timer()
            return
        allowed = self.seconds + min(self.received, MAX_COUNTED_BYTES) / MIN_RATE
        left = self.waiting_since + allowed - self.loop.time()
        if left > 0:
            self.request_timer = self.loop.call_later(left, self.check_request)
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's message gives no reason
        """The response to what is not HTTP, with the same shape as all errors."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            response = answer_of(self.parse_error())
            response.headers.update({**FILE_HEADERS, "Connection": "close"})
            status = HTTPStatus(response.status_code)
            head = h11.Response(status_code=status, headers=response.raw_headers, reason=status.phrase.encode())
            for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def parse_error(self) -> AppError:
        """Why the request cannot be parsed."""
        if len(self.conn.trailing_data[0]) > MAX_UNPARSED_BYTES:
            return HeadersTooLarge(f"the headers are longer than {MAX_UNPARSED_BYTES:,} bytes: send fewer")
        return BadRequest("this is not a valid HTTP/1.1 request: its first line, a header or its length is malformed")

    # The response

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread = self.transport.get_write_buffer_size()
        self.response_timer = self.loop.call_later(self.seconds, self.check_response)

    def resume_writing(self) -> None:
        super().resume_writing()
        cancel_timers(self.response_timer)

    def check_response(self) -> None:
        """While writing is paused, the buffer only shrinks: by what the client has read."""
        before, self.unread = self.unread, self.transport.get_write_buffer_size()
        if before - self.unread < self.seconds * MIN_RATE:
            self.transport.abort()  # close() would wait until the buffer is empty
        else:
            self.response_timer = self.loop.call_later(self.seconds, self.check_response)

    # The end

    def check_closing(self) -> None:
        """Abort a connection that was closed but whose client does not read the rest. Called every second."""
        if not self.transport.is_closing():
            return
        now, unread = self.loop.time(), self.transport.get_write_buffer_size()
        if self.closing_since is None:
            self.abort_at = now + self.seconds * CLOSING_SHARE + unread / MIN_RATE
        if self.closing_since is None or unread < self.closing_unread:
            self.closing_since, self.closing_unread = now, unread
        if now >= min(self.abort_at, self.closing_since + self.seconds * CLOSING_SHARE):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.limits.remove(self.counted_as)
        cancel_timers(self.request_timer, self.response_timer)
        super().connection_lost(exc)


def cancel_timers(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer:
            timer.cancel()


class RefusedProtocol(asyncio.Protocol):
    """A connection over the limit, after its response was written: what its client sends is dropped."""

    def __init__(self, limits: Connections, timer: asyncio.TimerHandle) -> None:
        self.limits, self.timer = limits, timer
        limits.refusing += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature of a protocol
        self.limits.refusing -= 1
        self.timer.cancel()


def refuse(transport: asyncio.Transport, error: TooManyConnections, protocol: TimeoutProtocol) -> None:
    """Answer before there is a request. Closing at once would discard the response of a client that is sending."""
    timer = protocol.loop.call_later(REFUSED_SECONDS, transport.abort)
    transport.set_protocol(RefusedProtocol(protocol.limits, timer))
    if protocol.limits.refusing > MAX_REFUSED:
        transport.abort()
        return
    response = answer_of(error)
    response.headers.update(FILE_HEADERS)
    transport.write(to_bytes(response))
    transport.write_eof()


def protocol_with_limits(seconds: float, limits: Connections) -> type[TimeoutProtocol]:
    return type("TimeoutProtocol", (TimeoutProtocol,), {"seconds": seconds, "limits": limits})
