"""The list of models, loading a model, and cancelling a download."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from ...engine.model_cache import Load, ModelCache
from ...errors import AppError
from ...export.negotiation import by_preference
from ..deps import Accept, RunnerDep, SettingsDep, only_json
from ..problems import of_app_error
from ..requests import StrictModel, StrictRoute
from ..streams import EVENTS, EventStream, event

router = APIRouter(prefix="/api/v1/models", tags=["models"], route_class=StrictRoute)

SECONDS_BETWEEN_EVENTS = 0.25


class ModelRequest(StrictModel):
    model: str = Field(description="the id of a model")


@router.get("", summary="List the models")
async def models(runner: RunnerDep, settings: SettingsDep) -> dict[str, Any]:
    """Every model that this server offers, with its description and state."""
    return {"default": settings.model, "models": [card.to_dict() for card in runner.models.cards()]}


@router.post(
    "/load",
    summary="Load a model",
    response_model=None,
    responses={200: {"content": {EVENTS: {"schema": {"type": "string"}}}}},
)
async def load(body: ModelRequest, request: Request, runner: RunnerDep, accept: Accept = None) -> Response:
    """Load a model, or wait for a load that is already running; the answer is its description.

    With `Accept: text/event-stream`: events `progress {"stage", "bytes", "total"}`, then `ready {description}` or
    `error {problem}`. The load continues if the client disconnects.
    """
    if EVENTS in by_preference(accept or ""):
        return EventStream(request, nullcontext(), load_events(runner.models, runner.models.start(body.model)))
    only_json(accept)
    model = await runner.model(body.model)
    return JSONResponse(model.card.to_dict())


@router.post("/cancel", summary="Cancel a download")
async def cancel(body: ModelRequest, runner: RunnerDep) -> dict[str, Any]:
    """Cancel the download of a model, for all clients; the answer is its description. The next load continues it."""
    runner.models.cancel(body.model)
    return runner.models.card_of(body.model).to_dict()


async def load_events(models: ModelCache, load: Load) -> AsyncGenerator[bytes, None]:
    """`progress` four times a second, then `ready` or `error`."""
    while not load.task.done():
        yield event("progress", {"stage": load.stage, "bytes": load.progress.done, "total": load.progress.total})
        await asyncio.wait({load.task}, timeout=SECONDS_BETWEEN_EVENTS)
    try:
        model = await models.result_of(load)
    except AppError as error:
        yield event("error", of_app_error(error))
    else:
        yield event("ready", model.card.to_dict())
