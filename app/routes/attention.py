"""One request, one dump: a text in, every map of the chosen layers and heads out."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field

from ..dump import Ask, dump
from ..records import Quantity
from .deps import ARRAYS, TRUNCATE, TheRunner, Wanted, respond
from .strict import StrictModel, StrictRoute, Text

router = APIRouter(prefix="/api/v1", tags=["attention"], route_class=StrictRoute)


def each_once(numbers: list[int]) -> list[int]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("name each number once")
    return numbers


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
async def attention(body: AttentionRequest, runner: TheRunner, wanted: Wanted) -> Response:
    """Run a text and answer the attention weights (or the scores before mask and softmax) of its heads."""
    answer = await dump(runner, Ask(**body.model_dump(exclude={"decimals"})), wanted)
    return await respond(runner, answer, wanted, body.decimals)
