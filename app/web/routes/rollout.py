"""How layers work together: what reaches a token through all of them, by rollout or by flow."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, Field

from ...errors import InvalidInput
from ...export.formats import Answer
from ..requests import Index, StrictModel, StrictRoute, each_once
from ..study import ANSWERS, TheStudy
from .heatmap import View, facts_of

if TYPE_CHECKING:
    from ...analysis.layers import How
    from ...capture.capture import Capture

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
        from ...analysis.layers import how

        return how(capture, self.start, self.layer, self.residual, self.receptive)


@router.get("/{capture_id}/rollout", summary="What reaches a token through the layers", responses=ANSWERS)
async def rollout(
    study: TheStudy, through: Annotated[Through, Depends()], view: Annotated[View, Depends()]
) -> Response:
    """Attention rollout (Abnar and Zuidema 2020): [query key], how much of each input token reaches each token above
    the layer; rows sum to 1. Axes and windows as those of a head."""
    from ...analysis.layers import MOST_OF_ROLLOUT, check_size, steps_of

    capture = study.capture
    asked, part = through.how(capture), view.window(len(capture.tokens))
    check_size(capture, MOST_OF_ROLLOUT, "rollout")
    study.check(part.cells, "ask for fewer cells")
    facts = {**facts_of(part, view), **facts_of_layers(asked)}
    said = partial(answer_of, facts)
    return await study.answered(said, steps_of(capture, asked), pooled_rollout, capture, asked, view)


def answer_of(facts: dict[str, Any], values: np.ndarray) -> Answer:
    return Answer(facts, {"values": values.astype(np.float32)}, "values")


def pooled_rollout(capture: "Capture", asked: "How", view: View, go_on: Callable[[], None]) -> np.ndarray:
    from ...analysis.layers import rollout as work
    from ...capture.windows import pooled_map

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
    responses=ANSWERS,
    response_model=None,
)
async def flow(body: FlowRequest, study: TheStudy) -> Response:
    """Attention flow (Abnar and Zuidema 2020): [query key], the largest flow from each token above the layer to each
    input, each on its own. Of texts up to 128 tokens, as it takes long."""
    from ...analysis.layers import MOST_OF_FLOW, check_size, how, steps_of
    from ...analysis.layers import flow as work

    capture = study.capture
    asked = how(capture, body.start, body.layer, body.residual, body.receptive)
    check_size(capture, MOST_OF_FLOW, "flow")
    queries = body.queries if body.queries is not None else list(range(len(capture.tokens)))
    if max(queries) >= len(capture.tokens):
        raise InvalidInput(f"queries={queries[:8]}: take positions 0..{len(capture.tokens) - 1}")
    said = partial(answer_of, {"axes": ["query", "key"], "queries": queries, **facts_of_layers(asked)})
    return await study.answered(said, steps_of(capture, asked, queries), work, capture, asked, queries)
