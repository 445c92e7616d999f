"""The whole of a capture, as `POST /attention` would answer it, streamed: however long, it is never all in memory."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from ...export.dump import answer_of, choice_of
from ...export.formats import size_of
from ...export.negotiation import MEDIA_TYPES, check_cells, headers_of
from ...records import Quantity
from ..deps import ARRAYS, Streamed, TheRunner, TheSettings, Wanted, lumps, tag, unchanged
from ..requests import NUMBERS, Index, StrictRoute, numbers

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


class Part:
    """What of the capture is dumped."""

    def __init__(
        self,
        layers: Annotated[str | None, Query(description="0,5; default all", **NUMBERS)] = None,
        heads: Annotated[str | None, Query(description="0,5; default all", **NUMBERS)] = None,
        quantity: Quantity = "pattern",
        decimals: Annotated[Index, Query(ge=0, le=9, description="of the numbers in JSON")] = 6,
    ) -> None:
        self.layers, self.heads = numbers("layers", layers), numbers("heads", heads)
        self.quantity, self.decimals = quantity, decimals


@router.get("/{capture_id}/dump", summary="Every head, whole", responses=ARRAYS)
async def dump(
    capture_id: str,
    part: Annotated[Part, Depends()],
    request: Request,
    runner: TheRunner,
    settings: TheSettings,
    wanted: Wanted,
) -> Response:
    """As `POST /api/v1/attention` answers, but streamed: npy, npz and safetensors of any size, JSON up to a limit."""
    capture = runner.captures.get(capture_id)
    choice = choice_of(capture.card, len(capture.tokens), part.layers, part.heads)
    headers = tag(request, capture_id, wanted)
    if same := unchanged(request, headers):
        return same
    check_cells(choice.cells, wanted, None, settings.max_json_cells)
    answer = answer_of(capture, choice, part.quantity)
    headers |= headers_of(answer, wanted) | of_file(f"attention-{capture_id}.{wanted}", size_of(answer, wanted))
    return Streamed(runner.dumping(), lumps(runner, answer, wanted, part.decimals), MEDIA_TYPES[wanted], headers)


def of_file(name: str, size: int | None) -> dict[str, str]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return headers if size is None else {**headers, "Content-Length": str(size)}
