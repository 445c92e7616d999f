"""Reading from a socket in small steps."""

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.http.h11_impl import H11Protocol

# In chunks of one byte each, the parser needs 20 ms for this much.
READ_BYTES = 2**14


class SmallReads(H11Protocol, asyncio.BufferedProtocol):
    """Other connections have their turn after each 16 kB of this one.

    Otherwise the event loop reads up to 256 kB at once, several times: a body in tiny chunks would stop it for seconds.
    """

    if TYPE_CHECKING:
        loop: asyncio.AbstractEventLoop

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.read_buffer = bytearray(READ_BYTES)
        super().connection_made(transport)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - the signature of a protocol
        return self.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self.read_buffer[:nbytes]))
        if nbytes == READ_BYTES and not self.transport.is_closing():
            self.transport.pause_reading()
            self.loop.call_soon(self.read_on)

    def read_on(self) -> None:
        if not self.flow.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()
