"""uvicorn's HTTP connection with timeouts for slow clients, and a limited number of connections.

uvicorn closes a connection that is idle between two requests. It waits without limit for the rest of a request that has
begun, for a client that does not read its response, and for the end of a connection that it has closed: `close()` first
sends what is buffered. After a response, it goes on parsing the rest of a request that nobody reads.
"""

import asyncio
from http import HTTPStatus

import h11
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.utils import get_remote_addr

from ..errors import AppError, BadRequest, HeadersTooLarge, TooManyConnections
from .connections import Connections
from .headers import FILE_HEADERS
from .problems import answer_of
from .refused_connections import refuse
from .small_reads import SmallReads

# Bytes per second. The timeout of a request grows with its size at this rate, and a response must be read at least this
# fast: otherwise a client that sends or reads byte by byte would never time out.
MIN_RATE = 4096
# The length at which h11 gives up on headers without an end.
MAX_UNPARSED_BYTES = 2**15
# Beyond it, the bytes of a request are refused unless half of them are its body: each byte of it in a chunk of its own,
# with lines of its own, takes the parser a thousand times as long as one large chunk.
MAX_FRAMING_BYTES = 2**16
# Requests that a client sends before it has the response to the first one. Reading goes on during a response, because
# a client that has left is only noticed by reading.
MAX_PIPELINED_BYTES = 2**16
# After a response, the rest of its request is dropped for so long: most clients read only after sending everything.
DISCARD_SECONDS = 5.0
# Bytes of a request that extend its timeout: otherwise a request without an end would never time out.
MAX_COUNTED_BYTES = 2**23
# A closed connection is aborted when its client has read nothing for this share of the timeout.
CLOSING_SHARE = 0.25


class TimeoutProtocol(H11Protocol):
    """Closes the connection if the client makes it wait for `seconds`.

    h11 takes a tenth of a millisecond more per request than httptools. It runs on every platform, parses the end of a
    request strictly, and reads at most 32 kB of headers, where httptools has no limit.
    """

    seconds: float
    limits: Connections
    counted_as: str | None = None
    request_timer: asyncio.TimerHandle | None = None  # runs while a request is incomplete
    response_timer: asyncio.TimerHandle | None = None  # runs while the client does not read
    drop_timer: asyncio.TimerHandle | None = None  # runs while the rest of a request is dropped
    waiting_since = 0.0
    last_received = 0.0
    received = 0
    received_body = 0
    unread = 0
    closing_since: float | None = None  # or since its client has last read something
    closing_unread = 0
    abort_at = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        client = get_remote_addr(transport)
        try:
            self.counted_as = self.limits.add(client[0] if client else None)
        except TooManyConnections as error:
            refuse(transport, error, self.limits)
            return
        super().connection_made(transport)
        self.app = self.respond
        transport.set_protocol(SmallReads(transport, self))
        self.start_request_timer()

    # The request

    def data_received(self, data: bytes) -> None:
        if self.drop_timer:
            return
        cycle, before = self.cycle, self.waiting_body()
        super().data_received(data)
        self.received += len(data)
        self.received_body += self.waiting_body() - (before if self.cycle is cycle else 0)
        self.last_received = self.loop.time()
        self.watch_request(len(data))
        if self.is_incomplete() and self.received > MAX_FRAMING_BYTES + 2 * self.received_body:
            self.send_error(BadRequest("the request has more bytes around its body than in it: send larger chunks"))
        elif not self.is_incomplete() and len(self.conn.trailing_data[0]) > MAX_PIPELINED_BYTES:
            self.transport.abort()

    def waiting_body(self) -> int:
        """Bytes of the body that the application has not read."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return 0 if cycle is None else len(cycle.body)

    def handle_events(self) -> None:
        super().handle_events()
        if not self.is_incomplete():  # uvicorn pauses when the next request is pipelined
            self.flow.resume_reading()

    def is_incomplete(self) -> bool:
        """Whether the client has to send more before the server can respond."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is None or cycle.response_complete or cycle.more_body

    def is_half_sent(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and cycle.more_body and not cycle.response_complete

    def watch_request(self, received: int = 0) -> None:
        """Start the timer when a request begins, stop it when the request is complete."""
        if self.is_incomplete() and not self.request_timer and not self.drop_timer:
            self.received, self.received_body = received, self.waiting_body()
            self.start_request_timer()
        elif not self.is_incomplete():
            cancel_timers(self.request_timer)
            self.request_timer = None

    def start_request_timer(self) -> None:
        self.waiting_since = self.last_received = self.loop.time()
        self.request_timer = self.loop.call_later(self.seconds, self.check_request)

    def check_request(self) -> None:
        """Bytes that arrived fast do not allow the client to be silent later."""
        self.request_timer = None
        if self.flow.read_paused:  # the server is not reading, so the client cannot send
            self.start_request_timer()
            return
        allowed = self.waiting_since + min(self.received, MAX_COUNTED_BYTES) / MIN_RATE
        left = min(allowed, self.last_received) + self.seconds - self.loop.time()
        if left > 0:
            self.request_timer = self.loop.call_later(left, self.check_request)
        else:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's message gives no reason
        """The response to what is not HTTP, with the same shape as all errors."""
        self.send_error(self.parse_error())

    def send_error(self, error: AppError) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            response = answer_of(error)
            response.headers.update({**FILE_HEADERS, "Connection": "close"})
            status = HTTPStatus(response.status_code)
            head = h11.Response(status_code=status, headers=response.raw_headers, reason=status.phrase.encode())
            for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.drop_rest()

    def parse_error(self) -> AppError:
        """Why the request cannot be parsed."""
        if len(self.conn.trailing_data[0]) > MAX_UNPARSED_BYTES:
            return HeadersTooLarge(f"the headers are longer than {MAX_UNPARSED_BYTES:,} bytes: send fewer")
        return BadRequest("this is not a valid HTTP/1.1 request: its first line, a header or its length is malformed")

    # The response

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application. A response to a request that is still being sent ends the connection."""
        cycle = self.cycle

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start" and cycle.more_body:
                message = {**message, "headers": [*message.get("headers", ()), CLOSE_HEADER]}
                cycle.transport = Remaining(self)  # type: ignore[assignment]
            await send(message)

        await self.config.loaded_app(scope, receive, send_on)

    def on_response_complete(self) -> None:
        if self.drop_timer:
            self.server_state.total_requests += 1
            return
        super().on_response_complete()
        if not self.cycle.response_complete:  # it is the next one, which was pipelined
            self.watch_request()

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

    def drop_rest(self) -> None:
        """Close the connection when the client does, or soon. What it sends is not parsed any more.

        Closing at once would discard the response of a client that is sending.
        """
        if self.drop_timer or self.transport.is_closing():
            return
        self.drop_timer = self.loop.call_later(DISCARD_SECONDS, self.transport.close)
        cancel_timers(self.request_timer)
        self._unset_keepalive_if_required()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.flow.resume_reading()
        self.transport.write_eof()

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
        cancel_timers(self.request_timer, self.response_timer, self.drop_timer)
        super().connection_lost(exc)


def cancel_timers(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer:
            timer.cancel()


class Remaining:
    """The transport of a response to a request that is still being sent: closing it drops the rest of the request."""

    def __init__(self, protocol: TimeoutProtocol) -> None:
        self.write, self.is_closing = protocol.transport.write, protocol.transport.is_closing
        self.close = protocol.drop_rest


def protocol_with_limits(seconds: float, limits: Connections) -> type[TimeoutProtocol]:
    return type("TimeoutProtocol", (TimeoutProtocol,), {"seconds": seconds, "limits": limits})
