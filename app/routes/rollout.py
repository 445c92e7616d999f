"""How layers work together: what reaches a token through all of them, by rollout or by flow."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, Field

from ..encoding import by_preference, check_cells, format_of
from ..errors import AppError, InvalidInput
from ..pieces import Answer
from ..problems import of_app_error
from ..runner import Runner
from .deps import ARRAYS, Accept, Streamed, TheRunner, TheSettings, Wanted, respond, tag, unchanged, while_connected
from .heatmap import View, facts_of
from .stream import EVENTS, event
from .strict import Index, StrictModel, StrictRoute, each_once

if TYPE_CHECKING:
    from ..capture import Capture
    from ..studies.layers import How

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)

Share = Annotated[float, Field(ge=0, lt=1)]
Queries = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=128), AfterValidator(each_once)]
RESIDUAL = "share of the token itself in each layer, 0.5 in the paper"
RECEPTIVE = "divide by how many queries see a key, before anything else; default for causal models"


class Through:
    """Which layers, and how they are joined."""

    def __init__(
        self,
        start: Annotated[Index, Query(ge=0, description="the first layer that counts")] = 0,
        layer: Annotated[Index | None, Query(ge=0, description="the last layer that counts; default the last")] = None,
        residual: Annotated[float, Query(ge=0, lt=1, description=RESIDUAL)] = 0.5,
        receptive: Annotated[bool | None, Query(description=RECEPTIVE)] = None,
    ) -> None:
        self.start, self.layer, self.residual, self.receptive = start, layer, residual, receptive

    def how(self, capture: "Capture") -> "How":
        from ..studies.layers import how

        return how(capture, self.start, self.layer, self.residual, self.receptive)


@router.get("/{capture_id}/rollout", summary="What reaches a token through the layers", responses=ARRAYS)
async def rollout(
    capture_id: str,
    through: Annotated[Through, Depends()],
    view: Annotated[View, Depends()],
    request: Request,
    runner: TheRunner,
    settings: TheSettings,
    wanted: Wanted,
) -> Response:
    """Attention rollout (Abnar and Zuidema 2020): [query key], how much of each input token reaches each token above
    the layer; rows sum to 1. Axes and windows as those of a head."""
    from ..studies.layers import MOST_OF_ROLLOUT, check_size

    capture = runner.captures.get(capture_id)
    asked, part = through.how(capture), view.window(len(capture.tokens))
    check_size(capture, MOST_OF_ROLLOUT, "rollout")
    check_cells(part.cells, wanted, settings.max_cells, settings.max_json_cells, "ask for fewer cells")
    headers = tag(request, capture_id, wanted)
    if same := unchanged(request, headers):
        return same
    values = await while_connected(request, runner.analyse(pooled_rollout, capture, asked, view))
    facts = {**facts_of(part, view), **facts_of_layers(asked)}
    response = await respond(runner, Answer(facts, {"values": values}, "values"), wanted)
    response.headers.update(headers)
    return response


def pooled_rollout(capture: "Capture", asked: "How", view: View, go_on: Callable[[], None]) -> np.ndarray:
    from ..studies.layers import rollout as work
    from ..tiles import pooled_map

    return pooled_map(work(capture, asked, go_on), view.window(len(capture.tokens)), view.pool)


def facts_of_layers(asked: "How") -> dict[str, Any]:
    return {"layer": asked.layer, "start": asked.start, "residual": asked.residual, "receptive": asked.receptive}


class FlowRequest(StrictModel):
    start: int = Field(0, ge=0, description="the first layer that counts")
    layer: int | None = Field(None, ge=0, description="the last layer that counts; default the last")
    residual: Share = Field(0.5, description=RESIDUAL)
    receptive: bool | None = Field(None, description=RECEPTIVE)
    queries: Queries | None = Field(None, description="tokens above the last layer; default all")


@router.post(
    "/{capture_id}/flow",
    summary="The largest flow to a token through the layers",
    responses={200: {"content": {**ARRAYS[200]["content"], EVENTS: {"schema": {"type": "string"}}}}},
    response_model=None,
)
async def flow(
    capture_id: str, body: FlowRequest, request: Request, runner: TheRunner, accept: Accept = None
) -> Response:
    """Attention flow (Abnar and Zuidema 2020): [query key], the largest flow from each token above the layer to each
    input, each on its own. Of texts up to 128 tokens, as it takes long.

    With `Accept: text/event-stream`: events `progress {"done", "total"}` in queries, then `done {...}` or
    `error {problem}`. It stops when its client leaves.
    """
    from ..studies.layers import MOST_OF_FLOW, check_size, how

    capture = runner.captures.get(capture_id)
    asked = how(capture, body.start, body.layer, body.residual, body.receptive)
    check_size(capture, MOST_OF_FLOW, "flow")
    queries = body.queries if body.queries is not None else list(range(len(capture.tokens)))
    if max(queries) >= len(capture.tokens):
        raise InvalidInput(f"queries={queries[:8]}: take positions 0..{len(capture.tokens) - 1}")
    if EVENTS in by_preference(accept or ""):
        return Streamed(nullcontext(), flow_events(runner, capture, asked, queries), EVENTS)
    wanted = format_of(accept, None)
    values = await while_connected(request, runner.analyse(flow_of, capture, asked, queries, ignore))
    return await respond(runner, answer_of_flow(values, asked, queries), wanted)


def flow_of(
    capture: "Capture", asked: "How", queries: list[int], told: Callable[[int], None], go_on: Callable[[], None]
) -> np.ndarray:
    from ..studies.layers import flow as work

    return work(capture, asked, queries, told, go_on).astype(np.float32)


def ignore(_: int) -> None:
    pass


def answer_of_flow(values: np.ndarray, asked: "How", queries: list[int]) -> Answer:
    facts = {"axes": ["query", "key"], "queries": queries, **facts_of_layers(asked)}
    return Answer(facts, {"values": values}, "values")


async def flow_events(runner: Runner, capture: "Capture", asked: "How", queries: list[int]) -> AsyncIterator[bytes]:
    """Cancelled with its reader, and the work with it."""
    news: asyncio.Queue[int] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def told(done: int) -> None:
        loop.call_soon_threadsafe(news.put_nowait, done)

    work = asyncio.create_task(runner.analyse(flow_of, capture, asked, queries, told))
    work.add_done_callback(lambda _: news.put_nowait(-1))
    try:
        yield event("progress", {"done": 0, "total": len(queries)})
        while (done := await news.get()) >= 0:
            yield event("progress", {"done": done, "total": len(queries)})
        found = answer_of_flow(work.result(), asked, queries)
        yield event("done", {**found.facts, "values": work.result().tolist()})
    except AppError as error:
        yield event("error", of_app_error(error))
    finally:
        work.cancel()
