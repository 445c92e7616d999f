"""Timeouts of a connection whose client sends its request, or reads its response, too slowly."""

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl

# Bytes per second. The timeout of a request grows with its size at this rate, and a response must be read at least this
# fast: otherwise a client that sends or reads byte by byte would never time out.
MIN_RATE = 4096
# Bytes of a request that extend its timeout: otherwise a request without an end would never time out.
MAX_COUNTED_BYTES = 2**23
# A closed connection is aborted when its client has read nothing for this share of the timeout.
CLOSING_SHARE = 0.25


class RequestTimer:
    """Closes the connection if a request is not complete in time. It runs while a request is incomplete.

    received, received_body: bytes of this request so far, and how many of them are its body
    """

    def __init__(
        self, seconds: float, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, flow: FlowControl
    ) -> None:
        self.seconds, self.loop, self.transport, self.flow = seconds, loop, transport, flow
        self.received = self.received_body = 0
        self.timer: asyncio.TimerHandle | None = None
        self.start()

    def start(self, received: int = 0, body: int = 0) -> None:
        self.received, self.received_body = received, body
        self.wait()

    def wait(self) -> None:
        self.waiting_since = self.last_received = self.loop.time()
        self.timer = self.loop.call_later(self.seconds, self.check)

    def stop(self) -> None:
        if self.timer:
            self.timer.cancel()
        self.timer = None

    def count(self, received: int, body: int) -> None:
        self.received += received
        self.received_body += body
        self.last_received = self.loop.time()

    def check(self) -> None:
        """Bytes that arrived fast do not allow the client to be silent later."""
        if self.flow.read_paused:  # the server is not reading, so the client cannot send
            self.wait()
            return
        allowed = self.waiting_since + min(self.received, MAX_COUNTED_BYTES) / MIN_RATE
        left = min(allowed, self.last_received) + self.seconds - self.loop.time()
        if left > 0:
            self.timer = self.loop.call_later(left, self.check)
        else:
            self.timer = None
            self.transport.close()


class ResponseTimer:
    """Aborts the connection if its client does not read.

    uvicorn's server calls `check_closing` every second. `start` and `stop` are called when the buffer of the connection
    is full and when it has been read.
    """

    def __init__(self, seconds: float, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport) -> None:
        self.seconds, self.loop, self.transport = seconds, loop, transport
        self.timer: asyncio.TimerHandle | None = None
        self.unread = 0
        self.closing_since: float | None = None  # or since its client has last read something
        self.closing_unread = 0
        self.abort_at = 0.0

    def start(self) -> None:
        self.unread = self.transport.get_write_buffer_size()
        self.timer = self.loop.call_later(self.seconds, self.check)

    def stop(self) -> None:
        if self.timer:
            self.timer.cancel()
        self.timer = None

    def check(self) -> None:
        """While writing is paused, the buffer only shrinks: by what the client has read."""
        before, self.unread = self.unread, self.transport.get_write_buffer_size()
        if before - self.unread < self.seconds * MIN_RATE:
            self.transport.abort()  # close() would wait until the buffer is empty
        else:
            self.timer = self.loop.call_later(self.seconds, self.check)

    def check_closing(self) -> None:
        """Abort a connection that was closed but whose client does not read the rest."""
        if not self.transport.is_closing():
            return
        now, unread = self.loop.time(), self.transport.get_write_buffer_size()
        if self.closing_since is None:
            self.abort_at = now + self.seconds * CLOSING_SHARE + unread / MIN_RATE
        if self.closing_since is None or unread < self.closing_unread:
            self.closing_since, self.closing_unread = now, unread
        if now >= min(self.abort_at, self.closing_since + self.seconds * CLOSING_SHARE):
            self.transport.abort()
