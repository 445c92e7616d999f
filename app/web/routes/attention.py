"""A text in, the patterns of the selected layers and heads out, in one request."""

from contextlib import nullcontext
from math import prod
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, Field

from ...engine.ledger import released_on_error
from ...engine.runner import Runner
from ...export.dump import DumpRequest, dump
from ...export.formats import batched, serialize
from ...export.negotiation import MEDIA_TYPES, headers_of
from ...records import Format, Quantity
from ..deps import FormatDep, RunnerDep
from ..requests import PATTERN_OR_SCORES, PromptBody, StrictRoute, check_unique
from ..responses import ARRAYS, STREAM_BYTES, HoldingStream, begun, length, reserve_answer, while_connected

router = APIRouter(prefix="/api/v1", tags=["attention"], route_class=StrictRoute)


Numbers = Annotated[list[int], Field(min_length=1, max_length=1024), AfterValidator(check_unique)]


class AttentionRequest(PromptBody):
    layers: Numbers | None = Field(None, description="layer numbers; by default, all")
    heads: Numbers | None = Field(None, description="head numbers, the same in each layer; by default, all")
    stack: str | None = Field(
        None, description="for models with an encoder and a decoder: encoder, decoder or cross; by default, all of them"
    )
    quantity: Quantity = Field("pattern", description=PATTERN_OR_SCORES)
    decimals: int = Field(6, ge=0, le=9, description="decimals of the numbers in JSON")
    verify: bool = Field(
        False, description="add a certificate: a comparison with Hugging Face's attention for this text"
    )


@router.post("/attention", summary="Get the attention of a text", responses=ARRAYS)
async def attention(body: AttentionRequest, request: Request, runner: RunnerDep, format_: FormatDep) -> Response:
    """Run a text, and return the patterns of its heads, or their raw scores, in one response."""
    return await while_connected(request, respond_dump(runner, body, format_))


async def respond_dump(runner: Runner, body: AttentionRequest, format_: Format) -> Response:
    request = DumpRequest(body.prompt, body.layers, body.heads, body.quantity, body.verify, body.stack)
    answer = await dump(runner, request, format_, runner.settings.max_cells)
    cells = sum(prod(array.shape) for array in answer.arrays.values())
    held = reserve_answer(runner.ledger, cells, format_, 0, STREAM_BYTES)
    with released_on_error(held):
        chunks = await begun(runner, batched(serialize(answer, format_, body.decimals)))
    headers = {"Vary": "Accept", **headers_of(answer, format_), **length(answer, format_)}
    slow = runner.slow_readers if held else None
    return HoldingStream(held or nullcontext(), chunks, MEDIA_TYPES[format_], headers, slow)
