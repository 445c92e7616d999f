"""Reading JSON bodies: bounded by what the endpoint can need, and never parsed on the event loop if that could be slow.

Python's JSON parser holds the GIL: 8 MB of nested lists would stop all threads for seconds. A long text is parsed in
milliseconds. So only texts may be long.
"""

from dataclasses import dataclass
from typing import Any, Self

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from .. import strict_json
from ..engine.ledger import Ledger, Reservation
from ..engine.runner import Runner
from ..errors import AppError, BodyTooLarge, Busy, ClientsGone
from ..settings import Settings

# More digits than any parameter of this API, or a 64-bit integer, has.
MAX_INTEGER_DIGITS = 30
# A body without a text.
SMALL_BODY = 2**14
# Everything in a body but its texts: names, numbers, brackets, spaces. Two lists of 1,024 numbers, each on its own line
# with an indentation, take a half. Bodies up to this size are parsed on the event loop.
MAX_STRUCTURE = 2**16
# A character outside the basic plane as two escapes: \ud83d\ude00.
BYTES_PER_CHARACTER = 12
# So many bytes of a body are reserved at a time, times COPIES: it is in memory as bytes and as text while it is parsed.
UPLOAD_STEP, COPIES = 2**18, 4
# All long bodies together take at most a quarter of the memory for requests: clients that send slowly hold it long.
UPLOAD_SHARE = 4


@dataclass(frozen=True)
class BodyLimit:
    """The largest body of an endpoint, and where the limit comes from, for the error message."""

    bytes: int
    why: str

    def error(self) -> BodyTooLarge:
        return BodyTooLarge(f"the body is larger than {self.bytes:,} bytes: {self.why}")


def limit_of_server(settings: Settings) -> BodyLimit:
    return BodyLimit(settings.max_body_bytes, "that is HEADSCOPE_MAX_BODY_BYTES, send a shorter text")


def small_limit(settings: Settings) -> BodyLimit:
    """Of an endpoint that takes no text."""
    why = "no request to this path needs more, send only the fields that /docs describes"
    return smaller(BodyLimit(SMALL_BODY, why), settings)


def limit_of_texts(texts: int, settings: Settings) -> BodyLimit:
    """Of an endpoint that takes so many texts, every character written as an escape."""
    why = f"a text has at most {settings.max_characters:,} characters (HEADSCOPE_MAX_CHARACTERS), send a shorter one"
    return smaller(BodyLimit(texts * settings.max_characters * BYTES_PER_CHARACTER + MAX_STRUCTURE, why), settings)


def smaller(limit: BodyLimit, settings: Settings) -> BodyLimit:
    return min(limit, limit_of_server(settings), key=lambda one: one.bytes)


class RefusedRequest(HTTPException):
    """A body that is not JSON (400, 415), or a body or query that is ambiguous (422)."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(status, detail)
        self.code, self.title = code, code.replace("_", " ").capitalize().replace("json", "JSON")


class JSONRequest(Request):
    """A request whose body has been read and parsed by `read_json`."""

    parsed: Any = None

    async def json(self) -> Any:
        return self.parsed


class Upload:
    """The memory of a long body. It is reserved as the bytes arrive: a client can announce more than it ever sends."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.held: list[Reservation] = []

    def count(self, received: int) -> None:
        """Raises TooLarge, Busy."""
        while received > MAX_STRUCTURE + len(self.held) * UPLOAD_STEP:
            size = UPLOAD_STEP * COPIES
            all_held = self.ledger.bytes("uploads")
            others = all_held - sum(part.bytes for part in self.held)
            if others > 0 and all_held + size > self.ledger.max_bytes // UPLOAD_SHARE:
                raise Busy("other long bodies are being read, and they may not take more memory: try again in a moment")
            self.held.append(self.ledger.reserve("uploads", size, "a part of the body", "send a shorter text"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for part in self.held:
            part.release()


async def read_json(scope: Scope, receive: Receive, limit: BodyLimit, upload: Upload) -> JSONRequest:
    """Raises BodyTooLarge, RefusedRequest, and Busy if memory is short or too many long bodies wait to be parsed."""
    request = JSONRequest(scope, receive)
    request._body = body = await read_body(request, limit, upload)
    if len(body) <= MAX_STRUCTURE:
        request.parsed = parse(body) if body else None
    else:
        runner: Runner = request.app.state.runner
        request.parsed = await runner.pools.convert(parse_long, body)
    return request


async def read_body(request: Request, limit: BodyLimit, upload: Upload) -> bytes:
    """Raises BodyTooLarge: before reading if Content-Length is too large, else as soon as too much has arrived."""
    length = request.headers.get("content-length", "")
    announced = int(length[:20]) if length.isdecimal() else 0
    error: AppError | None = limit.error() if announced > limit.bytes else None
    more, body = True, bytearray()
    while more and error is None:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientsGone("the client has disconnected before the end of its request")
        body += message.get("body", b"")
        more, error = message.get("more_body", False), refusal(len(body), limit, upload)
    if error is None:
        return bytes(body)
    raise error


def refusal(received: int, limit: BodyLimit, upload: Upload) -> AppError | None:
    """Why no more of a body is read."""
    if received > limit.bytes:
        return limit.error()
    try:
        upload.count(received)
    except AppError as error:
        return error
    return None


def parse_long(body: bytes) -> Any:
    """For a worker thread. Raises what `parse` raises, and BodyTooLarge unless most of the body is text."""
    if size_without_strings(body) > MAX_STRUCTURE:
        detail = f"the body has more than {MAX_STRUCTURE:,} bytes besides its texts: no request to this path needs more"
        raise BodyTooLarge(detail)
    return parse(body)


def size_without_strings(body: bytes) -> int:
    """Bytes outside of strings, and the quotes, up to somewhat more than MAX_STRUCTURE. Takes 2 ms per megabyte."""
    without_escaped_quotes = body.replace(rb"\\", b"").replace(rb"\"", b"")
    parts = without_escaped_quotes.split(b'"', MAX_STRUCTURE)
    return sum(map(len, parts[::2])) + len(parts) - 1


def parse(body: bytes) -> Any:
    """Raises RefusedRequest."""
    try:
        # JSON is UTF-8 (RFC 8259, 8.1). Python would read UTF-16 as well, which `size_without_strings` does not count.
        text = body.decode("utf-8-sig")
        return strict_json.read_json(text, MAX_INTEGER_DIGITS)
    except strict_json.HalfCharacter as error:
        raise RefusedRequest(422, "invalid_input", f"{error}: send whole characters") from error
    except strict_json.RepeatedName as error:
        detail = "an object names a field twice: name each once"  # without the name: bodies are never echoed
        raise RefusedRequest(422, "invalid_input", detail) from error
    except (ValueError, RecursionError) as error:
        why = strict_json.why_unreadable(error)
        raise RefusedRequest(400, "invalid_json", f"the body is not JSON: {why}") from error
