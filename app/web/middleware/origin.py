"""Checks of the Host and Origin headers.

A site in the same browser can send requests to this server (cross-site requests), or point its own name at our address
(DNS rebinding). The first is visible in Sec-Fetch-Site or Origin, the second in Host.
"""

import re

from starlette.requests import Request

from ...errors import CrossOrigin, ForeignHost
from ...settings import Settings

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
# RFC 9110, 7.2, without the characters that names do not have.
HOST = re.compile(r"(\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(:[0-9]{1,5})?", re.ASCII)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def check_host(request: Request, settings: Settings) -> None:
    """Raises ForeignHost unless Host is one of our names."""
    names = settings.allowed_hosts or (() if settings.shared else dict.fromkeys((*LOCAL_NAMES, settings.host)))
    hosts = request.headers.getlist("host")
    if len(hosts) > 1 or (names and host_name("".join(hosts)) not in names):
        known = ", ".join(names)
        raise ForeignHost(f"this server is called {known}; set HEADSCOPE_ALLOWED_HOSTS to allow another name")


def host_name(host: str) -> str | None:
    """`[::1]:8000` -> `::1`; None for what is no name with or without a port."""
    found = HOST.fullmatch(host)
    return (found["address"] or found["name"]).lower() if found else None


def check_origin(request: Request, settings: Settings) -> None:  # noqa: ARG001 - all checks have one signature
    """Raises CrossOrigin for a write request from another site's page. Programs other than browsers send no origin."""
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    same_origin = site in ("same-origin", "none") if site is not None else origin is None or is_ours(origin, request)
    if not same_origin:
        raise CrossOrigin("pages of other sites may not use this server: use its own page, or a program")


def is_ours(origin: str, request: Request) -> bool:
    # Behind a proxy that ends TLS, the page was loaded over https but this request comes over http.
    return origin in {f"{scheme}://{request.headers.get('host')}" for scheme in ("http", "https")}
