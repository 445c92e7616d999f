"""uvicorn's HTTP connection with timeouts for slow clients, and a limited number of connections.

uvicorn closes a connection that is idle between two requests. It waits without limit for the rest of a request that has
begun, for a client that does not read its response, and for the end of a connection that it has closed: `close()` first
sends what is buffered. After a response, it goes on parsing the rest of a request that nobody reads.
"""

import asyncio

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.utils import get_remote_addr

from ..errors import AppError, BadRequest, TooManyConnections
from .connections import Connections
from .early_responses import TransportOfEarlyResponse, error_response, why_unparsable
from .parse_turns import ParseTurns
from .refused_connections import refuse
from .slow_clients import RequestTimer, ResponseTimer
from .small_reads import SmallReads

# Beyond it, the bytes of a request are refused unless half of them are its body: each byte of it in a chunk of its own,
# with lines of its own, takes the parser a thousand times as long as one large chunk.
MAX_FRAMING_BYTES = 2**16
# Requests that a client sends before it has the response to the first one. Reading goes on during a response, because
# a client that has left is only noticed by reading.
MAX_PIPELINED_BYTES = 2**16
# After a response, the rest of its request is dropped for so long: most clients read only after sending everything.
DISCARD_SECONDS = 5.0


class TimeoutProtocol(H11Protocol):
    """Closes the connection if the client makes it wait for `seconds`.

    h11 takes a tenth of a millisecond more per request than httptools. It runs on every platform, parses the end of a
    request strictly, and reads at most 32 kB of headers, where httptools has no limit.
    """

    seconds: float
    limits: Connections
    turns: ParseTurns
    counted_as: str | None = None
    request_timer: RequestTimer
    response_timer: ResponseTimer
    drop_timer: asyncio.TimerHandle | None = None  # runs while the rest of a request is dropped

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        client = get_remote_addr(transport)
        try:
            self.counted_as = self.limits.add(client[0] if client else None)
        except TooManyConnections as error:
            refuse(transport, error, self.limits)
            return
        super().connection_made(transport)
        self.app = self.respond
        self.response_timer = ResponseTimer(self.seconds, self.loop, transport)
        self.request_timer = RequestTimer(self.seconds, self.loop, transport, self.flow)
        transport.set_protocol(SmallReads(transport, self, self.turns))

    # The request

    def data_received(self, data: bytes) -> None:
        if self.drop_timer:
            return
        cycle, before = self.cycle, self.waiting_body()
        self._unset_keepalive_if_required()
        self.conn.receive_data(data)
        self.parse()
        self.request_timer.count(len(data), self.waiting_body() - (before if self.cycle is cycle else 0))
        self.watch_request(len(data))
        if self.is_incomplete() and self.has_much_framing():
            self.send_error(BadRequest("the request has more bytes around its body than in it: send larger chunks"))
        elif not self.is_incomplete() and len(self.conn.trailing_data[0]) > MAX_PIPELINED_BYTES:
            self.transport.abort()

    def has_much_framing(self) -> bool:
        return self.request_timer.received > MAX_FRAMING_BYTES + 2 * self.request_timer.received_body

    def waiting_body(self) -> int:
        """Bytes of the body that the application has not read."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return 0 if cycle is None else len(cycle.body)

    def parse(self) -> None:
        super().handle_events()
        if not self.is_incomplete():  # uvicorn pauses when the next request is pipelined
            self.flow.resume_reading()

    def handle_events(self) -> None:
        """Called after a response: the next request may have arrived already."""
        self.turns.run(len(self.conn.trailing_data[0]), self.parse_pipelined)

    def parse_pipelined(self) -> None:
        if not self.transport.is_closing():
            self.parse()
            self.watch_request()

    def is_incomplete(self) -> bool:
        """Whether the client has to send more before the server can respond."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is None or cycle.response_complete or cycle.more_body

    def is_half_sent(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and cycle.more_body and not cycle.response_complete

    def watch_request(self, received: int = 0) -> None:
        """Start the timer when a request begins, stop it when the request is complete."""
        if not self.is_incomplete():
            self.request_timer.stop()
        elif not self.request_timer.timer and not self.drop_timer:
            self.request_timer.start(received, self.waiting_body())

    # The response

    async def respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application. A response to a request that is still being sent ends the connection."""
        cycle = self.cycle

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start" and cycle.more_body:
                message = {**message, "headers": [*message.get("headers", ()), CLOSE_HEADER]}
                cycle.transport = TransportOfEarlyResponse(self.transport, self.drop_rest)  # type: ignore[assignment]
            await send(message)

        await self.config.loaded_app(scope, receive, send_on)
        if cycle.response_started and not cycle.response_complete and not cycle.disconnected:
            # The answer of a slow reader was ended. uvicorn would log an error.
            cycle.disconnected = True
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's message gives no reason
        """uvicorn calls it for what is not HTTP."""
        self.send_error(why_unparsable(self.conn))

    def send_error(self, error: AppError) -> None:
        self.transport.write(error_response(self.conn, error))
        self.drop_rest()

    def on_response_complete(self) -> None:
        if self.drop_timer:
            self.server_state.total_requests += 1
        else:
            super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.response_timer.start()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.response_timer.stop()

    # The end

    def drop_rest(self) -> None:
        """Close the connection when the client does, or soon. What it sends is not parsed any more.

        Closing at once would discard the response of a client that is sending.
        """
        if self.drop_timer or self.transport.is_closing():
            return
        self.drop_timer = self.loop.call_later(DISCARD_SECONDS, self.transport.close)
        self.request_timer.stop()
        self._unset_keepalive_if_required()
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        self.flow.resume_reading()
        self.transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self.limits.remove(self.counted_as)
        self.request_timer.stop()
        self.response_timer.stop()
        if self.drop_timer:
            self.drop_timer.cancel()
        super().connection_lost(exc)


def protocol_with_limits(seconds: float, limits: Connections) -> type[TimeoutProtocol]:
    """The class of the connections of one server."""
    return type("TimeoutProtocol", (TimeoutProtocol,), {"seconds": seconds, "limits": limits, "turns": ParseTurns()})
