"""A line of the log for each request: never its query or its body, which hold what people wrote."""

import logging
import time
from urllib.parse import quote

from starlette.types import Scope

log = logging.getLogger(__name__)


def note(scope: Scope, status: int, began: float) -> None:
    """At the level `info`: method, path, status, milliseconds since `began`. A line end is written %0A."""
    if not log.isEnabledFor(logging.INFO):
        return
    milliseconds = (time.perf_counter() - began) * 1000
    log.info("%s %s %d %.0f ms", scope["method"], quote(scope["path"][:200]), status, milliseconds)
