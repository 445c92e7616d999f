"""A connection whose client may not keep it waiting: uvicorn's, with deadlines, which uvicorn's own has not.

uvicorn closes a connection that is idle between two requests. It waits for ever for the rest of a request that has
begun, and for a client that does not read its answer.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

# Bytes a second. A request may take so much longer than the deadline as it is long at this rate, and an answer has to
# be taken at no less: what drips, or is sipped, byte by byte would never be late otherwise.
SLOWEST = 4096
# Bytes of a request that count: one without an end would never be late otherwise.
LONGEST = 2**23


class Hurried(H11Protocol):
    """Closes itself where its client keeps it waiting for `seconds`.

    h11 costs a tenth of a millisecond a request more than httptools. It runs everywhere, leaves no doubt where a
    request ends, and takes no more than 64 KB for its head, where httptools keeps whatever comes.
    """

    seconds: float
    asking: asyncio.TimerHandle | None = None  # runs while a request is not all there
    reading: asyncio.TimerHandle | None = None  # ran last while an answer was not taken
    since = 0.0
    came = 0
    untaken = 0

    # The request

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.expect()

    def data_received(self, data: bytes) -> None:
        self.came += len(data)
        super().data_received(data)
        if self.is_asking() and not self.asking:
            self.came = len(data)
            self.expect()
        elif not self.is_asking():
            clear(self.asking)
            self.asking = None

    def is_asking(self) -> bool:
        """Whether the client is to send more before there is anything to answer."""
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request
        return cycle is None or cycle.response_complete or cycle.more_body

    def expect(self) -> None:
        self.since = self.loop.time()
        self.asking = self.loop.call_later(self.seconds, self.look_at_request)

    def look_at_request(self) -> None:
        self.asking = None
        if self.flow.read_paused:  # it is us who keep the client waiting
            self.expect()
            return
        left = self.since + self.seconds + min(self.came, LONGEST) / SLOWEST - self.loop.time()
        if left > 0:
            self.asking = self.loop.call_later(left, self.look_at_request)
        else:
            self.transport.close()

    # The answer

    def pause_writing(self) -> None:
        super().pause_writing()
        self.untaken = self.transport.get_write_buffer_size()
        self.reading = self.loop.call_later(self.seconds, self.look_at_reader)

    def resume_writing(self) -> None:
        super().resume_writing()
        clear(self.reading)

    def look_at_reader(self) -> None:
        """Nothing is written while the client has to take what there is: the buffer grows no more."""
        before, self.untaken = self.untaken, self.transport.get_write_buffer_size()
        if before - self.untaken < self.seconds * SLOWEST:
            self.transport.abort()  # close() would wait for it to be taken
        else:
            self.reading = self.loop.call_later(self.seconds, self.look_at_reader)

    def connection_lost(self, exc: Exception | None) -> None:
        clear(self.asking, self.reading)
        super().connection_lost(exc)


def clear(*timers: asyncio.TimerHandle | None) -> None:
    for timer in timers:
        if timer:
            timer.cancel()


def hurried(seconds: float) -> type[Hurried]:
    """The protocol of a server that waits so long."""
    return type("Hurried", (Hurried,), {"seconds": seconds})
