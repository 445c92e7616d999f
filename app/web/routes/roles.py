"""What every head does with the attention that is left beside its sink, by name; and the rules behind the names."""

from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import APIRouter, Response

from ...export.formats import Answer
from ..requests import StrictRoute
from ..study import ANSWERS, TheStudy

if TYPE_CHECKING:
    from ...analysis.roles import Roles

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


@router.get("/{capture_id}/roles", summary="What every head does, in words", responses=ANSWERS)
async def roles(study: TheStudy) -> Response:
    """For each role and head whether it is held, the share of what is left beside the sink that made us say so, what
    evenly spread attention would have given, and how much is left; and of each head the mass on its sink."""
    from ...analysis.blocks import steps
    from ...analysis.formulas.roles import ROLES
    from ...analysis.roles import roles as work

    capture = study.capture
    study.check((4 * len(ROLES) + 3) * len(capture.layers) * capture.heads, "take a smaller model")
    answer = as_json if study.wanted == "json" else as_arrays
    return await study.answered(answer, steps(capture), work, capture)


def as_json(found: "Roles") -> Answer:
    from ...analysis.formulas.roles import CHOICE, DELIMITER, RESTS, ROLES

    said = []
    for number, role in enumerate(ROLES):
        facts = {name: getattr(role, name) for name in ("name", "title", "rule", "threshold")}
        numbers = {name: array[number] for name, array in arrays_of(found).items()}
        said.append({**facts, "choice": CHOICE, "queries": int(found.queries[number]), **numbers})
    sink = {
        "values": found.sink.astype(np.float32),
        "rests": {"rule": RESTS, "held": found.rests},
        "delimiter": {"rule": DELIMITER, "held": found.delimiter},
    }
    return Answer({"axes": ["layer", "head"], "roles": said, "sink": sink}, {}, "")


def as_arrays(found: "Roles") -> Answer:
    from ...analysis.formulas.roles import ROLES

    facts: dict[str, Any] = {"axes": ["role", "layer", "head"], "roles": [role.name for role in ROLES]}
    arrays = arrays_of(found) | {"sink": found.sink.astype(np.float32), "queries": found.queries}
    return Answer(facts, arrays, "share")


def arrays_of(found: "Roles") -> dict[str, Any]:
    """[r l h] each."""
    shares = {name: getattr(found, name).astype(np.float32) for name in ("share", "chance", "left")}
    return {"held": found.held, **shares}
