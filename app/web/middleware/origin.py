"""Who is asking: the right host name, and no other site's page.

A site that is open in the same browser can make it send requests here, and can give its own name our address
(DNS rebinding). The first shows in Sec-Fetch-Site or Origin, the second in Host.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from ...errors import CrossOrigin, ForeignHost
from ...settings import Settings

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def check_host(request: Request, settings: Settings) -> None:
    """Raises ForeignHost where Host is none of ours."""
    names = settings.allowed_hosts or (() if settings.shared else dict.fromkeys((*LOCAL_NAMES, settings.host)))
    hosts = request.headers.getlist("host")
    if len(hosts) > 1 or (names and host_name("".join(hosts)) not in names):
        known = ", ".join(names)
        raise ForeignHost(f"this server answers to {known}; another name needs HEADSCOPE_ALLOWED_HOSTS")


def host_name(host: str) -> str | None:
    """`[::1]:8000` -> `::1`."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def check_origin(request: Request, settings: Settings) -> None:  # noqa: ARG001 - guards have one signature
    """Raises CrossOrigin where another site's page wants something done. A program that is no browser sends neither."""
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    ours = site in ("same-origin", "none") if site is not None else origin is None or is_here(origin, request)
    if not ours:
        raise CrossOrigin("a page of another site may not ask this server for anything: use its own page, or a program")


def is_here(origin: str, request: Request) -> bool:
    # Behind a proxy that adds TLS, the page came by https and this request did not.
    return origin in {f"{scheme}://{request.headers.get('host')}" for scheme in ("http", "https")}
