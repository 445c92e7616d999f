"""Who may ask, and how often, where the server is shared."""

import secrets

from limits import RateLimitItemPerMinute
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from ...errors import KeyRefused, TooManyRequests
from ...settings import Settings

# The page asks for the key itself; health is for load balancers. Everything that is not named here needs the key.
OPEN_PATHS = {"/", "/docs", "/openapi.json", "/healthz", "/readyz"}
OPEN_FOLDERS = ("/static/", "/vendor/", "/docs/")


def is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def check_key(request: Request, settings: Settings) -> None:
    """Raises KeyRefused. `Authorization: Bearer KEY`, never in an address, which would end in logs."""
    if settings.api_key is None or is_open(request.url.path):
        return
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    wanted = settings.api_key.get_secret_value().encode()
    if scheme.lower() != "bearer" or not secrets.compare_digest(sent.strip().encode(), wanted):
        raise KeyRefused("this server wants its key: send Authorization: Bearer KEY")


def check_rate(request: Request, settings: Settings) -> None:
    """Raises TooManyRequests where one address asks a shared server more than its share in a minute."""
    if not settings.shared or is_open(request.url.path):
        return
    most = settings.requests_per_minute
    client = request.client.host if request.client else "unknown"
    rates: MovingWindowRateLimiter = request.app.state.rates
    if not rates.hit(RateLimitItemPerMinute(most), client):
        raise TooManyRequests(f"more than {most} requests in a minute (HEADSCOPE_REQUESTS_PER_MINUTE): wait a little")
