"""The grid: every head of a capture as a thumbnail."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Response

from ...export.formats import Answer
from ...records import Pool
from ..context import CaptureDep
from ..requests import Index, PoolQuery, StrictRoute
from ..responses import ARRAYS

if TYPE_CHECKING:
    from ...capture.capture import Capture

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


@router.get("/{capture_id}/overview", summary="Get thumbnails of all heads", responses=ARRAYS)
async def overview(
    context: CaptureDep,
    cells: Annotated[Index, Query(ge=1, le=512, description="at most cells x cells per head")] = 48,
    pool: PoolQuery = "max",
) -> Response:
    """A thumbnail of every head. In a long text, each cell covers several weights: see `pool`."""
    capture = context.capture
    size = len(capture.tokens)
    side = -(-size // -(-size // cells))  # steps of equal width may give fewer cells
    weights = len(capture.layers) * capture.heads * side**2
    return await context.respond_window(weights, partial(context.runner.pools.read, answer_of, capture, cells, pool))


def answer_of(capture: "Capture", cells: int, pool: Pool) -> Answer:
    from ...capture.windows import overview

    maps, part = overview(capture, cells, pool)
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
