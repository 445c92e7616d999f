"""Captures: a text is run once, then its patterns can be requested."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from ...engine.capture_work import PreparedPrompt
from ...engine.event_space import DEFAULT_CELLS
from ...engine.runner import Runner
from ...export.negotiation import by_preference
from ...records import Bend, Prompt
from ..deps import Accept, RunnerDep, on_loop, only_json
from ..job_events import job_events
from ..requests import CaptureId, Index, PromptBody, StackQuery, StrictRoute
from ..responses import while_connected
from ..serializers import of_cost
from ..streams import EVENTS, EventStream
from ..text_answers import respond_capture

router = APIRouter(prefix="/api/v1", tags=["captures"], route_class=StrictRoute)

CellsQuery = Annotated[Index, Query(ge=1, le=512, description="size of the streamed pictures, at most cells x cells")]


class CaptureRequest(PromptBody):
    pass


@router.post(
    "/captures",
    summary="Capture a text",
    status_code=201,
    response_model=None,
    responses={
        200: {
            "description": "it exists already, or the answer is an event stream",
            "content": {"application/json": {}, EVENTS: {"schema": {"type": "string"}}},
        }
    },
)
async def capture(
    body: CaptureRequest,
    request: Request,
    runner: RunnerDep,
    cells: CellsQuery = DEFAULT_CELLS,
    bend: Annotated[
        Bend,
        Query(description="values of streamed pictures: linear is 255 x weight, sqrt is 255 x its square root"),
    ] = "linear",
    stack: StackQuery = None,
    accept: Accept = None,
) -> Response:
    """Run a text through a model, and keep what its patterns are computed from.

    With `Accept: text/event-stream`: events `queued {"position"}` while other texts run first, `tokens {...}`, for each
    layer `layer {"layer", "cells", "bend", "maps": base64 of uint8 [head cells cells]}`, then `done {capture}` or
    `error {problem}`. The run stops when all clients that wait for it have disconnected.

    Of a model with an encoder and a decoder, the layers are those of `stack`, and their maps are [head rows cells].
    Without `target`, the model writes it: `token {token}` for each token, then `target {...}` with all of them.
    """
    streamed = EVENTS in by_preference(accept or "")
    if not streamed:
        only_json(accept)
    prepared = await prepare(request, runner, body.prompt)
    shown = prepared.model.card.stack(stack)
    job, new = await runner.start(prepared, cells=cells if streamed else 0)
    if streamed:
        return EventStream(request, job.followed(), job_events(runner, job, cells, bend, shown))
    with job.followed():
        found = (await while_connected(request, job.result())).of_stack(stack)
        room = job.room
    headers = {"Location": f"{router.prefix}/captures/{found.id}"}
    return await respond_capture(runner, found, 201 if new else 200, headers, room)


async def prepare(request: Request, runner: Runner, prompt: Prompt) -> PreparedPrompt:
    """Without waiting if the model is loaded: the queue admits a text before the server looks at the next request."""
    if runner.models.loaded(prompt.model) is None:
        return await while_connected(request, runner.prepare(prompt))
    return await runner.prepare(prompt)


@router.post("/estimate", summary="Estimate the cost of a capture", dependencies=[Depends(on_loop(only_json))])
async def estimate(
    body: CaptureRequest, request: Request, runner: RunnerDep, cells: CellsQuery = DEFAULT_CELLS
) -> dict[str, Any]:
    """Count the tokens without running the model: how many bytes the capture would take, whether they fit with an event
    stream of that many cells, and how many seconds it would run (null until a first run has measured the speed of this
    server)."""
    card, cost = await while_connected(request, runner.estimate(body.prompt, cells))
    return {"model": card.to_dict(), **of_cost(cost)}


@router.get(
    "/captures/{capture_id}",
    summary="Get a capture",
    dependencies=[Depends(on_loop(only_json))],
    response_model=dict[str, Any],
)
async def get(capture_id: CaptureId, runner: RunnerDep, stack: StackQuery = None) -> Response:
    """The same answer as that of the POST request that created it."""
    return await respond_capture(runner, runner.captures.get(capture_id).of_stack(stack))


@router.delete("/captures/{capture_id}", summary="Delete a capture", status_code=204)
async def delete(capture_id: CaptureId, runner: RunnerDep) -> None:
    """Delete it and free its memory."""
    runner.captures.delete(capture_id)
