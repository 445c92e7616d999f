"""How long an address, the headers and a body may be; asked before anything is parsed."""

from starlette.requests import Request

from ...errors import AddressTooLong, HeadersTooLarge
from ...settings import Settings
from ..problems import body_too_large

MOST_ADDRESS_BYTES = 8 * 1024
MOST_HEADER_BYTES = 16 * 1024


def check_size(request: Request, settings: Settings) -> None:
    """Raises AddressTooLong, HeadersTooLarge, BodyTooLarge.

    A body that does not say its length is counted while it arrives, by Starlette.
    """
    address = len(request.scope.get("raw_path") or request.scope["path"].encode()) + len(request.scope["query_string"])
    if address > MOST_ADDRESS_BYTES:
        raise AddressTooLong(f"the address is {address:,} bytes: at most {MOST_ADDRESS_BYTES:,} are read")
    headers = sum(len(name) + len(value) for name, value in request.scope["headers"])
    if headers > MOST_HEADER_BYTES:
        raise HeadersTooLarge(f"the headers are {headers:,} bytes: at most {MOST_HEADER_BYTES:,} are read")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > settings.max_body_bytes:
        raise body_too_large(settings.max_body_bytes)
