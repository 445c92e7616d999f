"""The standard probe of a model."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, Request, Response

from ...export.formats import Answer
from ...export.negotiation import format_of
from ..deps import TheRunner, only_json, respond, while_connected
from ..requests import StrictModel, StrictRoute
from .scores import described, whole

router = APIRouter(prefix="/api/v1/probes", tags=["models"], route_class=StrictRoute)

CHOICE = (
    "{sequences} sequences of {length} random tokens, repeated once; only queries with an earlier copy are counted, "
    "for previous all but the first"
)


class ProbeRequest(StrictModel):
    model: str | None = None


@router.post("/induction", summary="The standard probe", dependencies=[Depends(only_json)], response_model=None)
async def induction(body: ProbeRequest, request: Request, runner: TheRunner) -> Response:
    """Previous-token, duplicate-token and induction scores of every head on random tokens that come twice (Olsson et
    al. 2022): what the heads do whatever the text."""
    from ...analysis.induction import SCORES
    from ...analysis.scores import ranks

    card, found = await while_connected(request, runner.probe(body.model))
    said: list[dict[str, Any]] = [
        {**described(score), "values": values, "ranks": whole(rank)}
        for score, values, rank in zip(SCORES, found.values.astype(np.float32), ranks(found.values), strict=True)
    ]
    facts = {
        "model": card.to_dict(),
        "axes": ["layer", "head"],
        "sequences": found.sequences,
        "length": found.length,
        "choice": CHOICE.format(sequences=found.sequences, length=found.length),
        "scores": said,
    }
    return await respond(runner, Answer(facts, {}, ""), format_of(None, "json"))
