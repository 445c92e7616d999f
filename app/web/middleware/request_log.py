"""One log line per request, without its query and body, which contain the users' texts."""

import logging
import time
from urllib.parse import quote

from starlette.types import Scope

log = logging.getLogger(__name__)


def log_request(scope: Scope, status: int, started_at: float) -> None:
    """At level `info`: method, path, status, milliseconds. A line break in the path is written as %0A."""
    if not log.isEnabledFor(logging.INFO):
        return
    milliseconds = (time.perf_counter() - started_at) * 1000
    log.info("%s %s %d %.0f ms", scope["method"], quote(scope["path"][:200]), status, milliseconds)
