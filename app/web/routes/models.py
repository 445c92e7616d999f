"""Which models there are, and loading one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse

from ...engine.model_cache import Load, Shelf
from ...errors import AppError
from ...export.negotiation import by_preference
from ..deps import Accept, TheRunner, TheSettings, only_json
from ..problems import of_app_error
from ..requests import StrictModel, StrictRoute
from ..streams import EVENTS, event

router = APIRouter(prefix="/api/v1/models", tags=["models"], route_class=StrictRoute)

BETWEEN_EVENTS = 0.25  # seconds


class ModelRequest(StrictModel):
    model: str


@router.get("", summary="List the models")
async def models(runner: TheRunner, settings: TheSettings) -> dict[str, Any]:
    """Every model, with its state."""
    return {"default": settings.model, "models": [card.to_dict() for card in runner.shelf.cards()]}


@router.post(
    "/load",
    summary="Load a model",
    response_model=None,
    responses={200: {"content": {EVENTS: {"schema": {"type": "string"}}}}},
)
async def load(body: ModelRequest, runner: TheRunner, accept: Accept = None) -> Response:
    """Load a model, or join the load that is under way; its card when ready.

    With `Accept: text/event-stream`: events `progress {"stage", "bytes", "total"}`, then `ready {card}` or
    `error {problem}`. A client that leaves does not stop the load.
    """
    if EVENTS in by_preference(accept or ""):
        return EventSourceResponse(events(runner.shelf, runner.shelf.start(body.model)))
    only_json(accept)
    model = await runner.model(body.model)
    return JSONResponse(model.card.to_dict())


@router.post("/cancel", summary="Cancel a download")
async def cancel(body: ModelRequest, runner: TheRunner) -> dict[str, Any]:
    """Stop the download of a model, for everybody who waits for it; its card. Another load goes on where it stopped."""
    runner.shelf.cancel(body.model)
    return runner.shelf.card_of(body.model).to_dict()


async def events(shelf: Shelf, load: Load) -> AsyncIterator[bytes]:
    """How far the load is, four times a second, then how it ended."""
    while not load.task.done():
        yield event("progress", load.progress.to_dict())
        await asyncio.wait({load.task}, timeout=BETWEEN_EVENTS)
    try:
        model = await shelf.end_of(load)
    except AppError as error:
        yield event("error", of_app_error(error))
    else:
        yield event("ready", model.card.to_dict())
