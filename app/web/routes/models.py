"""The list of models, loading a model, and cancelling a load."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from ...engine.load import Load
from ...engine.model_cache import ModelCache
from ...export.negotiation import by_preference
from ..deps import Accept, RunnerDep, SettingsDep, only_json
from ..requests import StrictModel, StrictRoute
from ..responses import while_connected
from ..streams import EVENTS, EventStream, event

router = APIRouter(prefix="/api/v1/models", tags=["models"], route_class=StrictRoute)

SECONDS_BETWEEN_EVENTS = 0.25
CARD_OR_EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {EVENTS: {"schema": {"type": "string"}}}}}


class ModelRequest(StrictModel):
    model: str = Field(description="the id of a model")


class ModelSize(BaseModel):
    model: str = Field(description="the id of the model")
    bytes: int = Field(description="bytes of all files of the model")
    download_bytes: int = Field(description="bytes of the files that are not on this machine yet")


@router.get("", summary="List the models", response_model=dict[str, Any])
async def models(runner: RunnerDep, settings: SettingsDep) -> Response:
    """Every model that this server offers, with its description and state.

    The folders of the models are looked at again: a model whose files were changed after it was loaded has
    `changed_on_disk: true`.
    """
    await runner.models.refresh()
    # FastAPI's encoder would take 150 ms for a thousand cards.
    return JSONResponse({"default": settings.model, "models": [card.to_dict() for card in runner.models.cards()]})


@router.post("/load", summary="Load a model", response_model=None, responses=CARD_OR_EVENTS)
async def load(body: ModelRequest, request: Request, runner: RunnerDep, accept: Accept = None) -> Response:
    """Load a model, or wait for a load that is already running; the answer is its description.

    With `Accept: text/event-stream`: events `progress {"stage", "bytes", "total"}`, then `ready {description}` or
    `error {problem}`. The load continues if the client disconnects.
    """
    return await answer_load(request, runner.models, runner.models.start, body.model, accept)


@router.post("/reload", summary="Load a model again", response_model=None, responses=CARD_OR_EVENTS)
async def reload(body: ModelRequest, request: Request, runner: RunnerDep, accept: Accept = None) -> Response:
    """Load a model again from its files, which may have changed; the answer is its new description.

    The loaded model is replaced when the new one is complete, and kept if that fails. Captures that exist keep their
    ids and numbers; new ones get other ids, because the `revision` differs. Sends events as `load` does.
    """
    return await answer_load(request, runner.models, runner.models.reload, body.model, accept)


async def answer_load(
    request: Request,
    models: ModelCache,
    start: Callable[[str], Awaitable[Load]],
    model_id: str,
    accept: str | None,
) -> Response:
    """The card of the model once it is loaded, or the events of the load."""
    if EVENTS in by_preference(accept or ""):
        return EventStream(request, nullcontext(), load_events(models, await start(model_id)), large=False)
    only_json(accept)
    load = await start(model_id)
    return JSONResponse((await while_connected(request, models.result_of(load))).card.to_dict())


@router.post("/size", summary="Size of a model")
async def size(body: ModelRequest, request: Request, runner: RunnerDep) -> ModelSize:
    """How large the files of a model are, and how much of that a load would download. It downloads nothing."""
    total, download = await while_connected(request, runner.models.sizes(body.model))
    return ModelSize(model=body.model, bytes=total, download_bytes=download)


@router.post("/cancel", summary="Cancel a load")
async def cancel(body: ModelRequest, runner: RunnerDep) -> dict[str, Any]:
    """Cancel the load of a model, for all clients: its download, which the next load continues, or reading its files.

    The answer is the description of the model.
    """
    runner.models.cancel(body.model)
    return (await runner.models.card_of(body.model)).to_dict()


async def load_events(models: ModelCache, load: Load) -> AsyncGenerator[bytes, None]:
    """`progress` four times a second, then `ready`."""
    while not load.task.done():
        yield event("progress", {"stage": load.stage, "bytes": load.progress.done, "total": load.progress.total})
        await asyncio.wait({load.task}, timeout=SECONDS_BETWEEN_EVENTS)
    yield event("ready", (await models.result_of(load)).card.to_dict())
