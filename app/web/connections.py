"""How many connections may be open: per client address, and in all."""

import contextlib
import sys
from collections import Counter
from collections.abc import Container
from ipaddress import IPv6Address, ip_address, ip_network

from ..errors import TooManyConnections
from ..settings import Settings

# Descriptors for everything else that the server opens: models, downloads, processes, refused connections.
OTHER_FILES = 256
IPV6_PREFIX = 64  # one client usually has all addresses of such a network


class Connections:
    """Counts the open connections. Connections of trusted proxies count only in all: each carries many clients."""

    def __init__(self, settings: Settings) -> None:
        self.per_client, self.total = settings.connections_per_client, settings.max_connections
        self.of_client: Counter[str] = Counter()
        self.open = 0
        self.refused = 0
        self.refusing = 0  # refused, and not closed yet
        self.proxies: Container[str | None] = ()

    def fit_file_limit(self) -> None:
        """Allow fewer connections if the system does not let this process open enough files."""
        limit = raise_file_limit(self.total + OTHER_FILES)
        if limit is not None:
            self.total = min(self.total, max(limit - OTHER_FILES, limit // 2))

    def add(self, address: str | None) -> str | None:
        """Count a new connection; returns what to give to `remove` when it is closed. Raises TooManyConnections."""
        client = None if address is None or address in self.proxies else client_of(address)
        try:
            self.check(client)
        except TooManyConnections:
            self.refused += 1
            raise
        self.open += 1
        if client is not None:
            self.of_client[client] += 1
        return client

    def check(self, client: str | None) -> None:
        if self.open >= self.total:
            raise TooManyConnections(
                f"this server has {self.open} open connections and allows no more (HEADSCOPE_MAX_CONNECTIONS): "
                "try again in a moment"
            )
        if client is not None and self.of_client[client] >= self.per_client:
            raise TooManyConnections(
                f"{self.per_client} connections from your address are open, and this server allows no more "
                "(HEADSCOPE_CONNECTIONS_PER_CLIENT): close some of them, or try again in a moment"
            )

    def remove(self, client: str | None) -> None:
        self.open -= 1
        if client is not None:
            self.of_client[client] -= 1
            if not self.of_client[client]:
                del self.of_client[client]


def client_of(address: str) -> str:
    """The address; for IPv6, its network."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, IPV6_PREFIX), strict=False))


def raise_file_limit(wanted: int) -> int | None:
    """Let this process open at least `wanted` files if it may. Returns its limit; None if there is none."""
    if sys.platform == "win32":
        return None
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return None
    if soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS refuses some values below the hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
