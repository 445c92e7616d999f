"""Is the process alive, is the default model loaded."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from ..deps import TheRunner

router = APIRouter(tags=["service"])


class Health(BaseModel):
    status: Literal["ok", "loading", "failed", "stopping"]
    why: str | None = None


@router.get("/healthz", summary="Alive?", response_model_exclude_none=True)
async def healthz() -> Health:
    """200 while the process lives."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Ready?",
    response_model_exclude_none=True,
    responses={503: {"description": "the default model is not loaded yet, or the server is stopping", "model": Health}},
)
async def readyz(runner: TheRunner, response: Response) -> Health:
    """200 once the default model is loaded, and until the server is told to stop."""
    default = runner.shelf.default
    if default.state == "ready" and not runner.stopping:
        return Health(status="ok")
    response.status_code = 503
    if runner.stopping:
        return Health(status="stopping")
    return Health(status="failed" if default.state == "failed" else "loading", why=default.why)
