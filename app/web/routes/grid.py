"""The grid: every head of a capture as a thumbnail."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response

from ...export.formats import Answer
from ...export.negotiation import check_cells
from ...records import Pool
from ..deps import ARRAYS, TheRunner, TheSettings, Wanted, respond, tag, unchanged
from ..requests import Index, StrictRoute

if TYPE_CHECKING:
    from ...capture.capture import Capture

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


@router.get("/{capture_id}/overview", summary="Every head, small", responses=ARRAYS)
async def overview(
    capture_id: str,
    request: Request,
    runner: TheRunner,
    settings: TheSettings,
    wanted: Wanted,
    cells: Annotated[Index, Query(ge=1, le=512, description="at most cells x cells per head")] = 48,
    pool: Pool = "max",
) -> Response:
    """Every head at most cells x cells; a cell that covers several weights holds their max or mean."""
    capture = runner.captures.get(capture_id)
    headers = tag(request, capture_id, wanted)
    if same := unchanged(request, headers):
        return same
    size = len(capture.tokens)
    side = -(-size // -(-size // cells))  # as many cells as steps of one width give
    weights = len(capture.layers) * capture.heads * side**2
    check_cells(weights, wanted, settings.max_cells, settings.max_json_cells, "ask for fewer cells")
    response = await respond(runner, await runner.read(answer, capture, cells, pool), wanted)
    response.headers.update(headers)
    return response


def answer(capture: "Capture", cells: int, pool: Pool) -> Answer:
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
