"""Limits on the address, the headers and the body, checked before anything is parsed."""

from starlette.requests import Request

from ...errors import AddressTooLong, HeadersTooLarge
from ...settings import Settings
from ..problems import body_too_large

MAX_ADDRESS_BYTES = 8 * 1024
MAX_HEADER_BYTES = 16 * 1024


def check_size(request: Request, settings: Settings) -> None:
    """Raises AddressTooLong, HeadersTooLarge, BodyTooLarge.

    The body of a request without Content-Length is counted by Starlette while it arrives.
    """
    address = len(request.scope.get("raw_path") or request.scope["path"].encode()) + len(request.scope["query_string"])
    if address > MAX_ADDRESS_BYTES:
        raise AddressTooLong(f"the address is {address:,} bytes, the limit is {MAX_ADDRESS_BYTES:,}")
    headers = sum(len(name) + len(value) for name, value in request.scope["headers"])
    if headers > MAX_HEADER_BYTES:
        raise HeadersTooLarge(f"the headers are {headers:,} bytes, the limit is {MAX_HEADER_BYTES:,}")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > settings.max_body_bytes:
        raise body_too_large(settings.max_body_bytes)
