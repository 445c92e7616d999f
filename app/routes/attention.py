"""One request, one dump: a text in, every map of the chosen layers and heads out."""

from dataclasses import asdict
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field

from ..encoding import Answer, check_cells
from ..records import Quantity
from .deps import TRUNCATE, StrictModel, StrictRoute, TheRunner, TheSettings, Wanted, respond

if TYPE_CHECKING:
    from ..capture import Capture

router = APIRouter(prefix="/api/v1", tags=["attention"], route_class=StrictRoute)


def each_once(numbers: list[int]) -> list[int]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("name each number once")
    return numbers


Numbers = Annotated[list[int], Field(min_length=1, max_length=1024), AfterValidator(each_once)]


class AttentionRequest(StrictModel):
    text: str
    text_pair: str | None = None
    model: str | None = None
    layers: Numbers | None = None
    heads: Numbers | None = None
    quantity: Quantity = "pattern"
    decimals: int = Field(6, ge=0, le=9, description="of the numbers in JSON")
    verify: bool = False
    truncate: bool = Field(False, description=TRUNCATE)


@router.post("/attention", summary="Dump the attention of a text")
async def attention(body: AttentionRequest, runner: TheRunner, settings: TheSettings, wanted: Wanted) -> Response:
    """Run a text and answer the attention weights (or the scores before mask and softmax) of its heads."""
    card, tokens = await runner.measure(body.text, body.text_pair, body.model, body.truncate)
    layers = list(range(card.layers or 0)) if body.layers is None else body.layers
    heads = list(range(card.heads or 0)) if body.heads is None else body.heads
    for layer, head in zip_longest(layers, heads, fillvalue=0):
        card.check_head(layer, head)
    check_cells(len(layers) * len(heads) * tokens**2, wanted, settings.max_cells, settings.max_json_cells)
    capture, _ = await runner.capture(body.text, body.text_pair, body.model, body.truncate)
    certificate = asdict(await runner.certify(capture)) if body.verify else None
    answer = await runner.read(answer_of, capture, layers, heads, body.quantity, certificate)
    return await respond(runner, answer, wanted, body.decimals)


def answer_of(
    capture: "Capture", layers: list[int], heads: list[int], quantity: Quantity, certificate: dict[str, Any] | None
) -> Answer:
    from ..tiles import whole

    facts = {
        "model": capture.card.to_dict(),
        "tokens": [asdict(token) for token in capture.tokens],
        "axes": ["layer", "head", "query", "key"],
        "quantity": quantity,
        "capture": capture.id,
        "truncate": capture.truncate,
        "tokens_dropped": capture.dropped,
        "certificate": certificate,
    }
    arrays = {
        "attention": whole(capture, layers, heads, quantity),
        "token_ids": np.array([token.id for token in capture.tokens]),
        "layers": np.array(layers),
        "heads": np.array(heads),
    }
    return Answer(facts, arrays, "attention")
