"""Health checks: the process is alive, the default model is loaded."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from ..deps import RunnerDep

router = APIRouter(tags=["service"])


class Health(BaseModel):
    status: Literal["ok", "loading", "failed", "stopping"]
    why: str | None = None


@router.get("/healthz", summary="Check the process", response_model_exclude_none=True)
async def healthz() -> Health:
    """200 while the process is alive."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Check the default model",
    response_model_exclude_none=True,
    responses={
        503: {"description": "the default model is not loaded, or the server is shutting down", "model": Health}
    },
)
async def readyz(runner: RunnerDep, response: Response) -> Health:
    """200 from when the default model is loaded until the server starts to shut down."""
    default = runner.models.default
    if default.state == "ready" and not runner.stopping:
        return Health(status="ok")
    response.status_code = 503
    if runner.stopping:
        return Health(status="stopping")
    return Health(status="failed" if default.state == "failed" else "loading", why=default.why)
