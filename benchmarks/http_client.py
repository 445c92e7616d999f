"""A small HTTP client on asyncio that can also misbehave: one connection per request, from an address of its own."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

STREAM = {"Accept": "text/event-stream"}
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Client:
    """Requests to one server, with this key, from this address: 127.0.0.1 to 127.255.255.254."""

    url: str
    key: str = ""
    address: str = "127.0.0.1"

    @asynccontextmanager
    async def connected(self, window: int = 2**16) -> AsyncIterator[Connection]:
        """A connection; about `window` bytes that were not read stay with the client."""
        where, made = urlsplit(self.url), socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        made.setblocking(False)
        try:
            made.bind((self.address, 0))
            await asyncio.get_running_loop().sock_connect(made, (where.hostname, where.port))
        except OSError:
            made.close()
            raise
        reader, writer = await asyncio.open_connection(sock=made, limit=window)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def head(self, method: str, path: str, length: int, headers: dict[str, str]) -> bytes:
        given = {"Host": "localhost", "Connection": "close", "Content-Type": "application/json", **headers}
        if self.key:
            given.setdefault("Authorization", f"Bearer {self.key}")
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()

    def request(self, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str = "") -> bytes:
        """The bytes of a request: POST with a body as JSON or as bytes, else GET."""
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        method = method or ("GET" if body is None else "POST")
        return self.head(method, path, len(sent), headers or {}) + sent

    async def ask(
        self, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str = ""
    ) -> Response:
        """The whole response. Raises OSError if the server closes the connection before."""
        async with self.connected() as (reader, writer):
            writer.write(self.request(path, body, headers, method))
            return parsed(await reader.read())


def parsed(received: bytes) -> Response:
    """Raises ConnectionError if there is no complete response head."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        raise ConnectionResetError("the server closed the connection without a response")
    status, *lines = head.decode("latin1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    if headers.get("transfer-encoding") == "chunked":
        body = b"".join(chunks(body))
    return Response(int(status.split()[1]), headers, body)


def chunks(body: bytes) -> list[bytes]:
    """The parts of a chunked body, up to where it ends."""
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        if not length:
            break
        parts.append(rest[:length])
        body = rest[length + 2 :]
    return parts
