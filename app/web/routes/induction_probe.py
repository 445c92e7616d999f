"""The standard probe of a model."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, Request, Response

from ...export.formats import Answer
from ..deps import RunnerDep, only_json
from ..requests import StrictModel, StrictRoute
from ..responses import respond, while_connected
from .scores import described, integers

router = APIRouter(prefix="/api/v1/probes", tags=["models"], route_class=StrictRoute)

CHOICE = (
    "{sequences} sequences of {length} random tokens, repeated once; only queries with an earlier copy are counted, "
    "for `previous` all but the first query"
)


class ProbeRequest(StrictModel):
    model: str | None = None


@router.post("/induction", summary="Run the standard probe", dependencies=[Depends(only_json)], response_model=None)
async def induction(body: ProbeRequest, request: Request, runner: RunnerDep) -> Response:
    """Previous-token, duplicate-token and induction scores of every head on repeated random tokens (Olsson et al.
    2022), independent of any text."""
    from ...analysis.induction import SCORES
    from ...analysis.scores import ranks

    card, found = await while_connected(request, runner.probe(body.model))
    scores: list[dict[str, Any]] = [
        {**described(score), "values": values, "ranks": integers(rank)}
        for score, values, rank in zip(SCORES, found.values.astype(np.float32), ranks(found.values), strict=True)
    ]
    facts = {
        "model": card.to_dict(),
        "axes": ["layer", "head"],
        "sequences": found.sequences,
        "length": found.length,
        "choice": CHOICE.format(sequences=found.sequences, length=found.length),
        "scores": scores,
    }
    return await respond(runner, Answer(facts, {}, ""), "json")
