"""Dumps: the patterns of a capture as a stream, which are never in memory together."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from ...export.dump import answer_of, cells_of, check_one, select
from ...export.formats import batched, serialize
from ...export.negotiation import MEDIA_TYPES, check_cells, headers_of
from ...records import Quantity
from ..context import CaptureContext, CaptureDep
from ..deps import on_loop
from ..requests import NUMBERS, PATTERN_OR_SCORES, Index, StrictRoute, parse_numbers
from ..responses import ARRAYS, STREAM_BYTES, HoldingStream, length, stream

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


class DumpOptions:
    """The part of the capture to dump."""

    def __init__(
        self,
        layers: Annotated[str | None, Query(description="layers, such as 0,5; by default, all", **NUMBERS)] = None,
        heads: Annotated[str | None, Query(description="heads, such as 0,5; by default, all", **NUMBERS)] = None,
        quantity: Annotated[Quantity, Query(description=PATTERN_OR_SCORES)] = "pattern",
        decimals: Annotated[Index, Query(ge=0, le=9, description="decimals of the numbers in JSON")] = 6,
    ) -> None:
        self.layers, self.heads = parse_numbers("layers", layers), parse_numbers("heads", heads)
        self.quantity, self.decimals = quantity, decimals


@router.get("/{capture_id}/dump", summary="Export a capture in full (dump)", responses=ARRAYS)
async def dump(options: Annotated[DumpOptions, Depends(on_loop(DumpOptions))], context: CaptureDep) -> Response:
    """Same content as `POST /api/v1/attention`, streamed: npy, npz and safetensors of any size, JSON up to a limit."""
    capture, format_ = context.capture, context.format
    sizes = len(capture.tokens), len(capture.tokens_of("target"))
    selections = select(capture.card, sizes, options.layers, options.heads, context.stack)
    check_one(selections, format_)
    cells = cells_of(selections)
    if unchanged := context.not_modified:
        return unchanged
    check_cells(cells, format_, None, context.settings.max_json_cells)
    answer = answer_of(capture, selections, options.quantity)
    download = {"Content-Disposition": f'attachment; filename="attention-{capture.id}.{format_}"'}
    chunks = stream(context.runner, batched(serialize(answer, format_, options.decimals)))
    headers = {**context.headers, **headers_of(answer, format_), **length(answer, format_), **download}
    held, slow = dumping(context, cells), context.runner.slow_readers
    return HoldingStream(held, chunks, MEDIA_TYPES[format_], headers, slow)


@contextmanager
def dumping(context: CaptureContext, cells: int) -> Iterator[None]:
    """An open dump. Raises TooLarge, Busy."""
    with context.runner.pools.dumping(), context.reserve(cells, STREAM_BYTES) or nullcontext():
        yield
