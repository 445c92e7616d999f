"""Attention through several layers: rollout and flow."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, Field

from ...errors import InvalidInput
from ...export.formats import Answer
from ...records import Progress
from ..context import ARRAYS_OR_EVENTS, AnalysisDep
from ..deps import on_loop
from ..requests import Index, StrictModel, StrictRoute, check_unique
from .heatmap import View, ViewDep, facts_of

if TYPE_CHECKING:
    from ...analysis.layers import RolloutOptions
    from ...capture.capture import Capture

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)

Share = Annotated[float, Field(ge=0, lt=1)]
Queries = Annotated[
    list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=128), AfterValidator(check_unique)
]
RESIDUAL = "share of the residual stream in each layer; 0.5 in the paper"
RECEPTIVE = (
    "divide each column by the number of queries that can see its token, and normalise the rows again; by default, "
    "true for causal models"
)


class LayerRange:
    """The layers, and how they are combined."""

    def __init__(
        self,
        start: Annotated[Index, Query(ge=0, description="the first layer")] = 0,
        layer: Annotated[Index | None, Query(ge=0, description="the last layer; by default, the model's last")] = None,
        residual: Annotated[float, Query(ge=0, lt=1, description=RESIDUAL)] = 0.5,
        receptive: Annotated[bool | None, Query(description=RECEPTIVE)] = None,
    ) -> None:
        self.start, self.layer, self.residual, self.receptive = start, layer, residual, receptive

    def options(self, capture: "Capture") -> "RolloutOptions":
        from ...analysis.layers import rollout_options

        return rollout_options(capture, self.start, self.layer, self.residual, self.receptive)


@router.get("/{capture_id}/rollout", summary="Get attention rollout", responses=ARRAYS_OR_EVENTS)
async def rollout(
    context: AnalysisDep, layers: Annotated[LayerRange, Depends(on_loop(LayerRange))], view: ViewDep
) -> Response:
    """Attention rollout (Abnar and Zuidema 2020): [query key], how much of each input token reaches each position of
    the last layer; rows sum to 1. Axes and windows as for a head."""
    capture = context.capture
    from ...analysis.layers import MOST_OF_ROLLOUT, bytes_of_rollout, check_size, steps_of

    options, part = layers.options(capture), view.of(capture)
    check_size(capture, MOST_OF_ROLLOUT, "rollout")
    context.check_size(part.cells, "ask for fewer cells")
    facts = {**facts_of(part, view), **facts_of_layers(options)}
    answer = partial(answer_of, facts)
    work = context.in_space(bytes_of_rollout(len(capture.queries)), pooled_rollout)
    return await context.respond_analysis(answer, steps_of(capture, options), work, capture, options, view)


def answer_of(facts: dict[str, Any], values: np.ndarray) -> Answer:
    return Answer(facts, {"values": values.astype(np.float32)}, "values")


def pooled_rollout(capture: "Capture", options: "RolloutOptions", view: View, progress: Progress) -> np.ndarray:
    from ...analysis.layers import rollout
    from ...capture.pooling import pooled_map

    return pooled_map(rollout(capture, options, progress), view.of(capture), view.pool)


def facts_of_layers(options: "RolloutOptions") -> dict[str, Any]:
    return {
        "layer": options.layer,
        "start": options.start,
        "residual": options.residual,
        "receptive": options.receptive,
    }


class FlowRequest(StrictModel):
    start: int = Field(0, ge=0, description="the first layer")
    layer: int | None = Field(None, ge=0, description="the last layer; by default, the last one of the model")
    residual: Share = Field(0.5, description=RESIDUAL)
    receptive: bool | None = Field(None, description=RECEPTIVE)
    queries: Queries | None = Field(None, description="positions of output tokens, in the last layer; by default, all")


@router.post(
    "/{capture_id}/flow",
    summary="Compute attention flow",
    responses=ARRAYS_OR_EVENTS,
    response_model=None,
)
async def flow(body: FlowRequest, context: AnalysisDep) -> Response:
    """Attention flow (Abnar and Zuidema 2020): [query key], the maximum flow from each position of the last layer to
    each input token, computed separately for each pair. It takes long, so texts may have at most 128 tokens."""
    capture = context.capture
    from ...analysis.layers import MOST_OF_FLOW, check_size, flow, rollout_options, steps_of

    options = rollout_options(capture, body.start, body.layer, body.residual, body.receptive)
    check_size(capture, MOST_OF_FLOW, "flow")
    queries = body.queries if body.queries is not None else list(range(len(capture.queries)))
    if max(queries) >= len(capture.queries):
        raise InvalidInput(f"queries={queries[:8]}: take positions 0..{len(capture.queries) - 1}")
    answer = partial(answer_of, {"axes": ["query", "key"], "queries": queries, **facts_of_layers(options)})
    steps = steps_of(capture, options, queries)
    given = body.model_dump_json()
    return await context.respond_analysis(answer, steps, flow, capture, options, queries, body=given)
