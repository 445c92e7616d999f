"""The scores of every head of a capture."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Depends, Query, Response

from ...errors import InvalidInput, NotAcceptable
from ...export.formats import Answer
from ...records import Format
from ..context import ARRAYS_OR_EVENTS, AnalysisDep
from ..deps import on_loop
from ..requests import StrictRoute
from .roles import as_arrays, as_json, numbers_per_head

if TYPE_CHECKING:
    from ...analysis.roles import Roles
    from ...analysis.table import RowScore
    from ...capture.capture import Capture

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)

WITH_ROLES = "add the answer of GET .../roles, from the same pass over the weights; only with per=head"
NAMES: dict[str, Any] = {"json_schema_extra": {"pattern": "^[a-z_]{1,40}(,[a-z_]{1,40})*$"}}


class ScoreOptions:
    """The scores to compute. Raises InvalidInput."""

    def __init__(
        self,
        names: Annotated[
            str | None, Query(description="scores, such as entropy,first; by default, all", **NAMES)
        ] = None,
        per: Annotated[
            Literal["head", "query"],
            Query(description="head: the mean over the queries; query: a number for each query"),
        ] = "head",
        roles: Annotated[bool, Query(description=WITH_ROLES)] = False,
    ) -> None:
        from ...analysis.table import scores_named

        self.scores, self.per, self.roles = scores_named(names), per, roles
        if roles and per == "query":
            raise InvalidInput("roles=true&per=query: roles are per head, leave one of them out")

    def numbers(self, capture: "Capture") -> int:
        """How many numbers the answer has."""
        each = len(capture.queries) if self.per == "query" else 1
        of_head = len(self.scores) * each + (numbers_per_head() if self.roles else 0)
        return of_head * len(capture.layers) * capture.heads


@router.get("/{capture_id}/scores", summary="Get the scores of all heads", responses=ARRAYS_OR_EVENTS)
async def scores(options: Annotated[ScoreOptions, Depends(on_loop(ScoreOptions))], context: AnalysisDep) -> Response:
    """Each score of each head, with its unit, formula and source. Rank 1 is the head with the highest value.

    A score that is undefined for the text or the model is null, such as attention to copies in a text without any. So
    is one that has no meaning for stack=cross: `why` gives the reason.
    """
    capture = context.capture
    from ...analysis.blocks import check_within, steps
    from ...analysis.heads import scores_and_roles
    from ...analysis.scores import bytes_per_query, per_head, per_query

    chosen = options.scores
    if options.roles:
        check_within(capture, "roles")
    context.check_size(options.numbers(capture), "name fewer scores")
    if options.roles and context.format == "npy":
        raise NotAcceptable("npy holds one array, the scores: choose json, npz or safetensors for roles=true")
    answer = partial(answer_of, capture.stack.is_cross, chosen, options.per, context.format)
    if options.roles:
        both = partial(with_roles, answer, context.format)
        return await context.respond_analysis(both, steps(capture), scores_and_roles, capture, chosen)
    if options.per == "head":
        return await context.respond_analysis(answer, steps(capture), per_head, capture, chosen)
    work = context.in_space(bytes_per_query(options.numbers(capture)), per_query)
    return await context.respond_analysis(answer, steps(capture), work, capture, chosen)


def with_roles(answer: Callable[[np.ndarray], Answer], format_: Format, found: "tuple[np.ndarray, Roles]") -> Answer:
    """The answer of the scores with the roles: JSON fields `roles` and `sink`, or arrays."""
    values, roles = found
    scores, with_them = answer(values), as_json(roles) if format_ == "json" else as_arrays(roles)
    facts = {**with_them.facts, "role_axes": with_them.facts["axes"], **scores.facts}
    return Answer(facts, {**scores.arrays, **with_them.arrays}, scores.main)


def answer_of(is_cross: bool, chosen: "list[RowScore]", per: str, format_: Format, values: np.ndarray) -> Answer:
    """values [s l h] or, per query, [s l h i]. JSON has one object for each score.

    is_cross: whether they are of attention from one text to another
    """
    from ...analysis.scores import ranks

    arrays = {"values": values.astype(np.float32)}
    if per == "head":
        arrays["ranks"] = ranks(values)
    axes = ["layer", "head", "query"] if per == "query" else ["layer", "head"]
    if format_ != "json":
        facts = {"axes": ["score", *axes], "per": per, "scores": [score.name for score in chosen]}
        return Answer({**facts, "units": [score.unit for score in chosen]}, dict(arrays), "values")
    described_scores = [described(score, is_cross=is_cross) for score in chosen]
    for number, score in enumerate(described_scores):
        score |= {name: array[number] for name, array in arrays.items()}
        if per == "head":
            score["ranks"] = integers(arrays["ranks"][number])
    return Answer({"axes": axes, "per": per, "scores": described_scores}, {}, "")


def integers(ranks: np.ndarray) -> list[list[int | None]]:
    """[l h], for JSON: None where there is no rank."""
    return [[None if np.isnan(rank) else int(rank) for rank in of_layer] for of_layer in ranks]


def described(score: "RowScore", *, is_cross: bool = False) -> dict[str, Any]:
    """With the reason `why` its values are null, where it has no meaning between two texts."""
    facts = asdict(score)
    why = facts.pop("within")
    return {**facts, "why": why} if is_cross and why else facts
