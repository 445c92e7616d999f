"""The grid: every head of a capture as a thumbnail."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import numpy as np
from fastapi import APIRouter, Query, Response

from ...export.formats import Answer
from ...records import Pool
from ..context import ARRAYS_OR_EVENTS, AnalysisDep
from ..requests import Index, PoolQuery, StrictRoute

if TYPE_CHECKING:
    from ...capture.pooling import Window

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


@router.get("/{capture_id}/overview", summary="Get thumbnails of all heads", responses=ARRAYS_OR_EVENTS)
async def overview(
    context: AnalysisDep,
    cells: Annotated[Index, Query(ge=1, le=512, description="at most cells x cells per head")] = 48,
    pool: PoolQuery = "max",
) -> Response:
    """A thumbnail of every head. In a long text, each cell covers several weights: see `pool`."""
    capture = context.capture
    from ...capture.pooling import steps
    from ...capture.windows import overview, whole

    part = whole(capture, cells)
    weights, blocks = part.cells * len(capture.layers) * capture.heads, len(capture.layers) * steps(part, capture.heads)
    if context.streamed:
        context.check_size(weights, "ask for fewer cells")
        answer = partial(answer_of, pool)
        return await context.respond_analysis(answer, blocks, overview, capture, cells, pool, kind="overview")

    async def compute() -> Answer:
        return answer_of(pool, await context.read("overview", blocks, overview, capture, cells, pool))

    return await context.respond_window(weights, compute)


def answer_of(pool: Pool, found: "tuple[np.ndarray, Window]") -> Answer:
    maps, part = found
    facts = {
        "axes": ["layer", "head", "query", "key"],
        "pool": pool,
        "rows": [part.rows.start, part.rows.stop],
        "columns": [part.columns.start, part.columns.stop],
        "query_step": part.query_step,
        "key_step": part.key_step,
        "exact": True,
    }
    return Answer(facts, {"values": maps}, "values")
