"""The roles of every head: what it does with the attention outside its sink."""

from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Response

from ...export.formats import Answer
from ..context import ARRAYS_OR_EVENTS, AnalysisDep
from ..requests import StrictRoute

if TYPE_CHECKING:
    from ...analysis.roles import Roles

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


@router.get("/{capture_id}/roles", summary="Get the roles of all heads", responses=ARRAYS_OR_EVENTS)
async def roles(context: AnalysisDep) -> Response:
    """For each role and head: whether the head has the role, its share of the attention outside the sink, the share
    that uniform attention would have, and how much attention is outside the sink; and for each head the share of its
    attention that its sink gets."""
    capture = context.capture
    from ...analysis.blocks import check_within, steps
    from ...analysis.roles import roles

    check_within(capture, "roles")
    context.check_size(numbers_per_head() * len(capture.layers) * capture.heads, "take a smaller model")
    answer = as_json if context.format == "json" else as_arrays
    return await context.respond_analysis(answer, steps(capture), roles, capture)


def numbers_per_head() -> int:
    """Of each head: held, share, chance and left of each role; sink, rests and delimiter."""
    from ...analysis.formulas.roles import ROLES

    return 4 * len(ROLES) + 3


def as_json(found: "Roles") -> Answer:
    from ...analysis.formulas.roles import CHOICE, DELIMITER, ROLES, SINK_DOMINATED

    described = []
    for number, role in enumerate(ROLES):
        facts = {name: getattr(role, name) for name in ("name", "title", "rule", "threshold")}
        numbers = {name: array[number] for name, array in arrays_of(found).items()}
        counted = found.queries[number].astype(int)
        of_queries = {"queries": int(counted.max()), "layer_queries": counted}
        described.append({**facts, "choice": CHOICE, **of_queries, **numbers})
    sink = {
        "values": found.sink.astype(np.float32),
        "rests": {"rule": SINK_DOMINATED, "held": found.sink_dominated},
        "delimiter": {"rule": DELIMITER, "held": found.delimiter},
    }
    return Answer({"axes": ["layer", "head"], "roles": described, "sink": sink}, {}, "")


def as_arrays(found: "Roles") -> Answer:
    from ...analysis.formulas.roles import ROLES

    facts: dict[str, Any] = {"axes": ["role", "layer", "head"], "roles": [role.name for role in ROLES]}
    arrays = arrays_of(found) | {"sink": found.sink.astype(np.float32), "queries": found.queries}
    return Answer(facts, arrays, "share")


def arrays_of(found: "Roles") -> dict[str, Any]:
    """[r l h] each."""
    shares = {name: getattr(found, name).astype(np.float32) for name in ("share", "chance", "left")}
    return {"held": found.held, **shares}
