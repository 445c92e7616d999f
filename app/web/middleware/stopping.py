"""A server that is shutting down refuses new work; running work continues."""

from starlette.requests import Request

from ...errors import ShuttingDown
from ...settings import Settings
from .origin import SAFE_METHODS


def check_stopping(request: Request, settings: Settings) -> None:  # noqa: ARG001 - all checks have one signature
    """Raises ShuttingDown for write requests; captures can still be read."""
    if request.app.state.runner.stopping and request.method not in SAFE_METHODS:
        raise ShuttingDown("this server is shutting down: try again later")
