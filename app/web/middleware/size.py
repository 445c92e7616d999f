"""Limits on the address, the headers and the body, checked before anything is parsed."""

from starlette.requests import Request

from ...errors import AddressTooLong, BadRequest, HeadersTooLarge
from ...settings import Settings
from ..bodies import limit_of_server

MAX_ADDRESS_BYTES = 8 * 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_HEADERS = 100
HEADER_EXTRA_BYTES = 4  # the colon, the space and the end of a line


def check_size(request: Request, settings: Settings) -> None:
    """Raises AddressTooLong, HeadersTooLarge, BadRequest, BodyTooLarge.

    Each endpoint has a smaller limit of its own, and counts what arrives without Content-Length: see `bodies`.
    """
    address = len(request.scope.get("raw_path") or request.scope["path"].encode()) + len(request.scope["query_string"])
    if address > MAX_ADDRESS_BYTES:
        raise AddressTooLong(f"the address is {address:,} bytes, the limit is {MAX_ADDRESS_BYTES:,}")
    fields = request.scope["headers"]
    if len(fields) > MAX_HEADERS:
        raise HeadersTooLarge(f"the request has {len(fields):,} headers, the limit is {MAX_HEADERS}")
    headers = sum(len(name) + len(value) + HEADER_EXTRA_BYTES for name, value in fields)
    if headers > MAX_HEADER_BYTES:
        raise HeadersTooLarge(f"the headers are {headers:,} bytes, the limit is {MAX_HEADER_BYTES:,}")
    if "content-length" in request.headers and "transfer-encoding" in request.headers:
        # A proxy may take the other of the two, and see another end of the request.
        raise BadRequest("the request has both Content-Length and Transfer-Encoding: send one of them")
    length = request.headers.get("content-length", "")
    limit = limit_of_server(settings)
    if length.isdecimal() and int(length[:20]) > limit.bytes:
        raise limit.error()
