"""The API key and the rate limit of a shared server."""

import secrets

from starlette.requests import Request

from ...errors import KeyRefused, TooManyRequests
from ...settings import Settings
from ..connections import client_of
from ..open_paths import is_open
from ..rates import Rates


def check_key(request: Request, settings: Settings) -> None:
    """Raises KeyRefused."""
    if not is_open(request.url.path) and not has_key(request, settings):
        raise KeyRefused("this server requires its key: send Authorization: Bearer KEY")


def has_key(request: Request, settings: Settings) -> bool:
    """Whether the request has the key. It is never read from the address, which ends up in logs."""
    if settings.api_key is None:
        return True
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    expected = settings.api_key.get_secret_value().encode()
    return scheme.lower() == "bearer" and secrets.compare_digest(sent.strip().encode(), expected)


def check_rate(request: Request, settings: Settings) -> None:
    """Raises TooManyRequests. The limit is per client (of IPv6: per /64 network) and minute, on a shared server only.

    Requests without the key are counted separately: they do not use up the rate of others at the same address.
    """
    if not settings.shared or is_open(request.url.path):
        return
    limit = settings.requests_per_minute
    client = client_of(request.client.host) if request.client else "unknown"
    rates: Rates = request.app.state.rates
    if not rates.allow((client, has_key(request, settings))):
        raise TooManyRequests(
            f"more than {limit} requests in a minute (HEADSCOPE_REQUESTS_PER_MINUTE): try again in a moment"
        )
