"""A server that is about to end takes no new work; what was begun goes on."""

from starlette.requests import Request

from ...errors import Stopping
from ...settings import Settings
from .origin import SAFE_METHODS


def check_stopping(request: Request, settings: Settings) -> None:  # noqa: ARG001 - guards have one signature
    """Raises Stopping where something is to be done; what there is can still be looked at."""
    if request.app.state.runner.stopping and request.method not in SAFE_METHODS:
        raise Stopping("this server is stopping: ask again in a moment")
