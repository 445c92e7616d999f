"""The similarity of heads: all pairs, a chart of the heads, and the heads that have collapsed."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response

from ...export.formats import Answer
from ..context import ARRAYS_OR_EVENTS, AnalysisDep
from ..requests import NUMBERS, Index, StrictRoute, parse_numbers

if TYPE_CHECKING:
    from ...analysis.similarity import Similarity
    from ...capture.capture import Capture

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)

Layers = Annotated[str | None, Query(description="layers, such as 0,5; by default, all", **NUMBERS)]
Rows = Annotated[
    Index | None,
    Query(
        ge=1,
        le=1024,
        description="number of queries to compare, evenly spaced; by default, it depends on the length of the text",
    ),
]


@router.get("/{capture_id}/similarity", summary="Compare all heads", responses=ARRAYS_OR_EVENTS)
async def similarity(context: AnalysisDep, layers: Layers = None, rows: Rows = None) -> Response:
    """For each pair of heads the Jensen-Shannon divergence and the cosine; for each head its place on a chart by
    classical MDS; and the measures of collapse with their rules. `of` has the layer and the head of each row. `exact`
    is false if not all queries were compared: ask for more `rows`."""
    capture = context.capture
    from ...analysis.similarity import bytes_of_similarity, similarity, steps

    chosen = layers_of(capture, parse_numbers("layers", layers))
    of = [(layer, head) for layer in chosen for head in range(capture.of_layer(layer).heads)]
    context.check_size(2 * len(of) ** 2, "name fewer layers")
    answer = partial(answer_of, chosen, of, len(capture.queries))
    work = context.in_space(bytes_of_similarity(len(of)), similarity)
    return await context.respond_analysis(answer, steps(capture, chosen, rows), work, capture, chosen, rows)


def layers_of(capture: "Capture", listed: list[int] | None) -> list[int]:
    """None is all layers that have attention. Raises UnknownLayer, NoAttention."""
    chosen = capture.stack.with_attention if listed is None else listed
    for layer in chosen:
        capture.check_head(layer, 0)
    return chosen


def answer_of(layers: list[int], of: list[tuple[int, int]], size: int, found: "Similarity") -> Answer:
    """of: the layer and the head of each row."""
    facts: dict[str, Any] = {
        "layers": layers,
        "heads": max(head for _, head in of) + 1,
        "of": of,
        "axes": ["head", "head"],
        "unit": "bits",
        "exact": len(found.queries) == size,
        "rows": len(found.queries),
        "queries": size,
        "map": {
            "axes": ["head", "dimension"],
            "shown": found.shown,
            "choice": "Classical multidimensional scaling (MDS) of the square root of the Jensen-Shannon divergence, "
            "which is a metric.",
        },
        "collapse": collapse(found, of),
    }
    arrays = {
        "jensen_shannon": found.jensen_shannon.astype(np.float32),
        "cosine": found.cosine.astype(np.float32),
        "places": found.places.astype(np.float32),
        "entropy": found.entropy.astype(np.float32),
        "first": found.first.astype(np.float32),
        "effective_rank": found.rank.astype(np.float32),
    }
    return Answer(facts, dict(arrays), "jensen_shannon")


def collapse(found: "Similarity", of: list[tuple[int, int]]) -> list[dict[str, Any]]:
    """Each measure with its rule and the heads [layer, head] that meet it."""
    from ...analysis.similarity import RULES

    measures: list[dict[str, Any]] = [
        {"name": name, "rule": RULES[name], "heads": [of[number] for number in np.flatnonzero(held)]}
        for name, held in found.collapsed.items()
    ]
    pairs = [[of[a], of[b]] for a, b in found.near_duplicates([layer for layer, _ in of])]
    return [*measures, {"name": "near_duplicate", "rule": RULES["near_duplicate"], "pairs": pairs}]
