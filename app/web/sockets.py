"""uvicorn's HTTP connection with timeouts for slow clients.

uvicorn closes a connection that is idle between two requests. It waits without limit for the rest of a request that has
begun, and for a client that does not read its response.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

# Bytes per second. The timeout of a request grows with its size at this rate, and a response must be read at least this
# fast: otherwise a client that sends or reads byte by byte would never time out.
MIN_RATE = 4096
# Bytes of a request that extend its timeout: otherwise a request without an end would never time out.
MAX_COUNTED_BYTES = 2**23


class TimeoutProtocol(H11Protocol):
    """Closes the connection if the client makes it wait for `seconds`.

    h11 takes a tenth of a millisecond more per request than httptools. It runs on every platform, parses the end of a
    request strictly, and reads at most 64 KB of headers, where httptools has no limit.
    """

    seconds: float
    request_timer: asyncio.TimerHandle | None = None  # runs while a request is incomplete
    response_timer: asyncio.TimerHandle | None = None  # runs while the client does not read
    waiting_since = 0.0
    received = 0
    unread = 0

    # The request

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.start_request_timer()

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

    def connection_lost(self, exc: Exception | None) -> None:
        cancel_timers(self.request_timer, self.response_timer)
        super().connection_lost(exc)


def cancel_timers(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer:
            timer.cancel()


def protocol_with_timeout(seconds: float) -> type[TimeoutProtocol]:
    return type("TimeoutProtocol", (TimeoutProtocol,), {"seconds": seconds})
