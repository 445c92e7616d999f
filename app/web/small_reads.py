"""Reading from a socket in small steps."""

import asyncio
from functools import partial

from uvicorn.protocols.http.h11_impl import H11Protocol

from .parse_turns import ParseTurns

# In chunks of one byte each, the parser needs 20 ms for this much.
READ_BYTES = 2**14


class SmallReads(asyncio.BufferedProtocol):
    """Stands between a transport and its protocol, which gets at most 16 kB in one turn of the event loop, and nothing
    in turns that are full.

    Otherwise the event loop reads up to 256 kB at once, several times: a body in tiny chunks would stop it for seconds.
    uvloop takes no protocol that is both an asyncio.Protocol, as uvicorn's is, and a BufferedProtocol.
    """

    def __init__(self, transport: asyncio.Transport, protocol: H11Protocol, turns: ParseTurns) -> None:
        self.transport, self.protocol, self.turns = transport, protocol, turns
        self.buffer = bytearray(READ_BYTES)

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - the signature of a protocol
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        done = self.turns.run(nbytes, partial(self.receive, bytes(self.buffer[:nbytes])))
        if (nbytes == READ_BYTES or not done) and not self.transport.is_closing():
            self.transport.pause_reading()

    def receive(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.protocol.data_received(data)
            asyncio.get_running_loop().call_soon(self.read_on)

    def read_on(self) -> None:
        if not self.protocol.flow.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def eof_received(self) -> None:
        self.protocol.eof_received()

    def pause_writing(self) -> None:
        self.protocol.pause_writing()

    def resume_writing(self) -> None:
        self.protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.protocol.connection_lost(exc)
