"""One request, one dump: a text in, every map of the chosen layers and heads out."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, Field

from ...engine.runner import Runner
from ...export.dump import Ask, dump
from ...export.negotiation import MEDIA_TYPES, headers_of
from ...records import Format, Quantity
from ..deps import ARRAYS, TRUNCATE, TheRunner, Wanted, lumps, while_connected
from ..requests import StrictModel, StrictRoute, Text, each_once

router = APIRouter(prefix="/api/v1", tags=["attention"], route_class=StrictRoute)


Numbers = Annotated[list[int], Field(min_length=1, max_length=1024), AfterValidator(each_once)]


class AttentionRequest(StrictModel):
    text: Text
    text_pair: str | None = None
    model: str | None = None
    layers: Numbers | None = None
    heads: Numbers | None = None
    quantity: Quantity = "pattern"
    decimals: int = Field(6, ge=0, le=9, description="of the numbers in JSON")
    verify: bool = False
    truncate: bool = Field(False, description=TRUNCATE)


@router.post("/attention", summary="Dump the attention of a text", responses=ARRAYS)
async def attention(body: AttentionRequest, request: Request, runner: TheRunner, wanted: Wanted) -> Response:
    """Run a text and answer the attention weights (or the scores before mask and softmax) of its heads."""
    return await while_connected(request, answered(runner, body, wanted))


async def answered(runner: Runner, body: AttentionRequest, wanted: Format) -> Response:
    ask = Ask(**body.model_dump(exclude={"decimals"}))
    answer = await dump(runner, ask, wanted, runner.settings.max_cells)
    parts = [lump async for lump in lumps(runner, answer, wanted, body.decimals)]
    return Response(b"".join(parts), 200, {"Vary": "Accept", **headers_of(answer, wanted)}, MEDIA_TYPES[wanted])
