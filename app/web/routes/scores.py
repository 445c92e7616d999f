"""What every head of a capture does, as numbers."""

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from ...errors import InvalidInput
from ...export.formats import Answer
from ...records import Format
from ..requests import StrictRoute
from ..study import ANSWERS, TheStudy

if TYPE_CHECKING:
    from ...analysis.table import RowScore

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)

NAMES: dict[str, Any] = {"json_schema_extra": {"pattern": "^[a-z_]{1,40}(,[a-z_]{1,40})*$"}}


@router.get("/{capture_id}/scores", summary="What every head does", responses=ANSWERS)
async def scores(
    study: TheStudy,
    names: Annotated[str | None, Query(description="entropy,first; default all", **NAMES)] = None,
    per: Annotated[Literal["head", "query"], Query(description="the mean of a head, or each of its queries")] = "head",
) -> Response:
    """Each score of each head, with its unit, formula and source; ranks count from 1, the head that has the most.

    What a text or a model cannot have, as copies in a text without any, is null.
    """
    from ...analysis.blocks import steps
    from ...analysis.scores import per_head, per_query

    capture, chosen = study.capture, chosen_of(names)
    each = len(capture.tokens) if per == "query" else 1
    study.check(len(chosen) * len(capture.layers) * capture.heads * each, "name fewer scores")
    work = per_query if per == "query" else per_head
    return await study.answered(partial(answer, chosen, per, study.wanted), steps(capture), work, capture, chosen)


def chosen_of(names: str | None) -> "list[RowScore]":
    """Raises InvalidInput."""
    from ...analysis.table import BY_NAME, ROW_SCORES

    if names is None:
        return list(ROW_SCORES)
    wanted = names.split(",")
    unknown = [name for name in wanted if name not in BY_NAME]
    if unknown or len(set(wanted)) < len(wanted):
        what = f"{unknown[0][:40]!r} is no score" if unknown else "name each once"
        raise InvalidInput(f"names={names[:80]!r}: {what}; there are {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in wanted]


def answer(chosen: "list[RowScore]", per: str, wanted: Format, values: np.ndarray) -> Answer:
    """values [s l h] or, per query, [s l h i]; JSON nests those of each score within it."""
    from ...analysis.scores import ranks

    arrays = {"values": values.astype(np.float32)}
    if per == "head":
        arrays["ranks"] = ranks(values)
    axes = ["layer", "head", "query"] if per == "query" else ["layer", "head"]
    if wanted != "json":
        facts = {"axes": ["score", *axes], "per": per, "scores": [score.name for score in chosen]}
        return Answer({**facts, "units": [score.unit for score in chosen]}, dict(arrays), "values")
    said = [described(score) for score in chosen]
    for number, score in enumerate(said):
        score |= {name: array[number] for name, array in arrays.items()}
        if per == "head":
            score["ranks"] = whole(arrays["ranks"][number])
    return Answer({"axes": axes, "per": per, "scores": said}, {}, "")


def whole(ranks: np.ndarray) -> list[list[int | None]]:
    """[l h], for JSON: None where there is none."""
    return [[None if np.isnan(rank) else int(rank) for rank in of_layer] for of_layer in ranks]


def described(score: "RowScore") -> dict[str, Any]:
    return asdict(score)
