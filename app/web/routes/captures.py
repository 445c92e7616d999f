"""Captures: one text through one model, kept, so that its heads can be looked at for as long as one likes."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from ...export.negotiation import by_preference
from ...records import Bend
from ..deps import TRUNCATE, Accept, Streamed, TheRunner, only_json, while_connected
from ..requests import Index, StrictModel, StrictRoute, Text
from ..serializers import of_capture, of_cost
from ..streams import EVENTS, events

router = APIRouter(prefix="/api/v1", tags=["captures"], route_class=StrictRoute)


class CaptureRequest(StrictModel):
    text: Text
    text_pair: str | None = None
    model: str | None = None
    truncate: bool = Field(False, description=TRUNCATE)


@router.post(
    "/captures",
    summary="Capture a text",
    status_code=201,
    response_model=None,
    responses={
        200: {
            "description": "it exists already, or is streamed",
            "content": {"application/json": {}, EVENTS: {"schema": {"type": "string"}}},
        }
    },
)
async def capture(
    body: CaptureRequest,
    request: Request,
    runner: TheRunner,
    cells: Annotated[Index, Query(ge=1, le=512, description="of the streamed maps: at most cells x cells")] = 48,
    bend: Annotated[Bend, Query(description="of the streamed maps: 255 x weight, or 255 x its square root")] = "linear",
    accept: Accept = None,
) -> Response:
    """Run a text through a model and keep what its maps are made of.

    With `Accept: text/event-stream`: events `queued {"position"}` while others go first, `tokens {...}`, as each layer
    is done `layer {"layer", "cells", "bend", "maps": base64 of uint8 [head cells cells]}`, then `done {capture}` or
    `error {problem}`. A run stops when all who wait for it have left.
    """
    asked = body.text, body.text_pair, body.model, body.truncate
    if EVENTS in by_preference(accept or ""):
        making, _ = await runner.begin(*asked)
        return Streamed(making.followed(), events(runner, making, cells, bend), EVENTS)
    only_json(accept)
    made, new = await while_connected(request, runner.capture(*asked))
    headers = {"Location": f"{router.prefix}/captures/{made.id}"}
    return JSONResponse(of_capture(made, runner.captures.expires_in(made.id)), 201 if new else 200, headers)


@router.post("/estimate", summary="What a capture would cost", dependencies=[Depends(only_json)])
async def estimate(body: CaptureRequest, runner: TheRunner) -> dict[str, Any]:
    """Count the tokens, and run nothing: the bytes that the capture would take, whether they fit, and how long it would
    run (null before a first run has shown how fast this server is)."""
    card, cost = await runner.estimate(body.text, body.text_pair, body.model, body.truncate)
    return {"model": card.to_dict(), **of_cost(cost)}


@router.get("/captures/{capture_id}", summary="A capture again", dependencies=[Depends(only_json)])
async def look(capture_id: str, runner: TheRunner) -> dict[str, Any]:
    """The capture again, without its text being sent."""
    return of_capture(runner.captures.get(capture_id), runner.captures.expires_in(capture_id))


@router.delete("/captures/{capture_id}", summary="Let go of a capture", status_code=204)
async def forget(capture_id: str, runner: TheRunner) -> None:
    """Let go of it at once."""
    runner.captures.forget(capture_id)
