"""The heatmap: one head of a capture, any window of it."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ..encoding import check_cells
from ..pieces import Answer
from ..records import Pool, Quantity
from .deps import ARRAYS, SPAN, TheRunner, TheSettings, Wanted, respond, span, tag, unchanged
from .strict import Index, StrictRoute

if TYPE_CHECKING:
    from ..capture import Capture
    from ..tiles import Window

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


class View:
    """What of the head is looked at."""

    def __init__(
        self,
        rows: Annotated[str | None, Query(description="query positions a:b, default all", **SPAN)] = None,
        columns: Annotated[str | None, Query(description="key positions a:b, default all", **SPAN)] = None,
        cells: Annotated[Index | None, Query(ge=1, description="at most cells x cells, pooled")] = None,
        pool: Pool = "max",
        quantity: Quantity = "pattern",
    ) -> None:
        self.rows, self.columns = span("rows", rows), span("columns", columns)
        self.cells, self.pool, self.quantity = cells, pool, quantity

    def window(self, capture: "Capture") -> "Window":
        from ..tiles import window

        return window(len(capture.tokens), self.rows, self.columns, self.cells)


@router.get("/{capture_id}/heads/{layer}/{head}", summary="One head", responses=ARRAYS)
async def head(
    capture_id: str,
    layer: Index,
    head: Index,
    view: Annotated[View, Depends()],
    request: Request,
    runner: TheRunner,
    settings: TheSettings,
    wanted: Wanted,
) -> Response:
    """One head; value [r][c] covers queries a + r * query_step and on, keys likewise."""
    capture = runner.kept(capture_id)
    capture.card.check_head(layer, head)
    part = view.window(capture)
    headers = tag(request, capture_id, wanted)
    if same := unchanged(request, headers):
        return same
    cells = -(-len(part.rows) // part.query_step) * -(-len(part.columns) // part.key_step)
    check_cells(cells, wanted, settings.max_cells, settings.max_json_cells, "ask for fewer cells")
    response = await respond(runner, await runner.read(answer, capture, layer, head, part, view), wanted)
    response.headers.update(headers)
    return response


def answer(capture: "Capture", layer: int, head: int, part: "Window", view: View) -> Answer:
    from ..tiles import head_tile

    facts = {
        "layer": layer,
        "head": head,
        "quantity": view.quantity,
        "pool": view.pool,
        "rows": [part.rows.start, part.rows.stop],
        "columns": [part.columns.start, part.columns.stop],
        "query_step": part.query_step,
        "key_step": part.key_step,
        "axes": ["query", "key"],
        "exact": True,
    }
    return Answer(facts, {"values": head_tile(capture, layer, head, part, view.pool, view.quantity)}, "values")
