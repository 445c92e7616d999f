"""The API key and the rate limit of a shared server."""

import secrets

from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from ...errors import KeyRefused, TooManyRequests
from ...settings import Settings
from ..open_paths import is_open


def check_key(request: Request, settings: Settings) -> None:
    """Raises KeyRefused. The key is never read from the address, which ends up in logs."""
    if settings.api_key is None or is_open(request.url.path):
        return
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    expected = settings.api_key.get_secret_value().encode()
    if scheme.lower() != "bearer" or not secrets.compare_digest(sent.strip().encode(), expected):
        raise KeyRefused("this server requires its key: send Authorization: Bearer KEY")


def check_rate(request: Request, settings: Settings) -> None:
    """Raises TooManyRequests. The limit is per client address and minute, on a shared server only."""
    if not settings.shared or is_open(request.url.path):
        return
    limit = settings.requests_per_minute
    client = request.client.host if request.client else "unknown"
    rates: MovingWindowRateLimiter = request.app.state.rates
    if not rates.hit(RateLimitItemPerMinute(limit), client):
        raise TooManyRequests(
            f"more than {limit} requests in a minute (HEADSCOPE_REQUESTS_PER_MINUTE): try again in a moment"
        )
