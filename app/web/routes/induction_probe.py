"""The induction probe of a model."""

from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from ...export.formats import Answer
from ..deps import RunnerDep, on_loop, only_json
from ..requests import StrictModel, StrictRoute
from ..responses import respond, while_connected
from .scores import described, integers

router = APIRouter(prefix="/api/v1/probes", tags=["models"], route_class=StrictRoute)

CHOICE = (
    "{sequences} sequences of {length} random tokens, each repeated once. "
    "Counted: queries whose token occurred before; for previous token, all queries except the first"
)


class ProbeRequest(StrictModel):
    model: str | None = Field(None, description="the id of a model; by default, the default model of the server")


@router.post(
    "/induction", summary="Run the induction probe", dependencies=[Depends(on_loop(only_json))], response_model=None
)
async def induction(body: ProbeRequest, request: Request, runner: RunnerDep) -> Response:
    """Previous-token, duplicate-token and induction scores of every head on repeated random tokens (Olsson et al.
    2022), independent of any text."""
    card, found = await while_connected(request, runner.passes.probe(body.model))
    from ...analysis.induction import SCORES
    from ...analysis.scores import ranks

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
