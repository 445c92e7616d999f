"""Health checks: the process is alive, the default model is loaded."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from ..deps import RunnerDep

router = APIRouter(tags=["service"])


class Health(BaseModel):
    status: Literal["ok", "loading", "failed", "stopping"] = Field(description="the state of the server")
    why: str | None = Field(default=None, description="why the default model could not be loaded")


@router.get("/healthz", summary="Liveness check", response_model_exclude_none=True)
async def healthz() -> Health:
    """200 while the server runs."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Readiness check",
    response_model_exclude_none=True,
    responses={
        503: {"description": "the default model is not loaded, or the server is shutting down", "model": Health}
    },
)
async def readyz(runner: RunnerDep, response: Response) -> Health:
    """200 after the default model is loaded, until the server starts to shut down."""
    default = runner.models.default
    if default.state == "ready" and not runner.stopping:
        return Health(status="ok")
    response.status_code = 503
    if runner.stopping:
        return Health(status="stopping")
    return Health(status="failed" if default.state == "failed" else "loading", why=default.why)
