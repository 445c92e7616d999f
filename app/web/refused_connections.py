"""Connections over the limit: answered at once, without a request."""

import asyncio

from ..errors import TooManyConnections
from .connections import OTHER_FILES, Connections
from .headers import FILE_HEADERS
from .problems import answer_of, to_bytes

# Refused clients get this long to read why. More of them at the same time get no answer.
REFUSED_SECONDS = 1.0
MAX_REFUSED = OTHER_FILES // 4


class RefusedProtocol(asyncio.Protocol):
    """A connection over the limit, after its response was written: what its client sends is dropped."""

    def __init__(self, limits: Connections, timer: asyncio.TimerHandle) -> None:
        self.limits, self.timer = limits, timer
        limits.refusing += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature of a protocol
        self.limits.refusing -= 1
        self.timer.cancel()


def refuse(transport: asyncio.Transport, error: TooManyConnections, limits: Connections) -> None:
    """Answer before there is a request. Closing at once would discard the response of a client that is sending."""
    timer = asyncio.get_running_loop().call_later(REFUSED_SECONDS, transport.abort)
    transport.set_protocol(RefusedProtocol(limits, timer))
    if limits.refusing > MAX_REFUSED:
        transport.abort()
        return
    response = answer_of(error)
    response.headers.update(FILE_HEADERS)
    transport.write(to_bytes(response))
    transport.write_eof()
