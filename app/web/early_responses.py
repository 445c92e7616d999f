"""Responses before the end of their request: errors of what cannot be parsed, and answers that need no more of it."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import h11

from ..errors import AppError, BadRequest, HeadersTooLarge
from .headers import FILE_HEADERS
from .problems import answer_of

# The length at which h11 gives up on headers without an end.
MAX_UNPARSED_BYTES = 2**15


def why_unparsable(connection: h11.Connection) -> AppError:
    if len(connection.trailing_data[0]) > MAX_UNPARSED_BYTES:
        return HeadersTooLarge(f"the headers are longer than {MAX_UNPARSED_BYTES:,} bytes: send fewer")
    return BadRequest("this is not a valid HTTP/1.1 request: its first line, a header or its length is malformed")


def error_response(connection: h11.Connection, error: AppError) -> bytes:
    """The bytes of the error, with the same shape as all errors. Empty if another response has begun."""
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return b""
    response = answer_of(error)
    response.headers.update({**FILE_HEADERS, "Connection": "close"})
    status = HTTPStatus(response.status_code)
    head = h11.Response(status_code=status, headers=response.raw_headers, reason=status.phrase.encode())
    events = (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage())
    return b"".join(connection.send(event) or b"" for event in events)


class TransportOfEarlyResponse:
    """Writes to the transport; but closing it drops the rest of the request first."""

    def __init__(self, transport: asyncio.Transport, drop_rest: Callable[[], None]) -> None:
        self.write, self.is_closing, self.close = transport.write, transport.is_closing, drop_rest
