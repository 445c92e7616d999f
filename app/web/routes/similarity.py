"""How alike heads are: each with each, on a map, and which have collapsed."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response

from ...export.formats import Answer
from ...records import ModelCard
from ..requests import NUMBERS, Index, StrictRoute, numbers
from ..study import ANSWERS, TheStudy

if TYPE_CHECKING:
    from ...analysis.similarity import Similarity

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)

Layers = Annotated[str | None, Query(description="0,5; default all", **NUMBERS)]
Rows = Annotated[
    Index | None, Query(ge=1, le=1024, description="queries that are compared, evenly spaced; default by length")
]


@router.get("/{capture_id}/similarity", summary="How alike heads are", responses=ANSWERS)
async def similarity(study: TheStudy, layers: Layers = None, rows: Rows = None) -> Response:
    """Of each two heads the Jensen-Shannon divergence and the cosine; of each head its place on a map by classical MDS,
    and the measures of collapse with their rules. Head h of layer l is number l * heads + h, where all layers are asked
    for. `exact` is false where not all queries were compared: ask for more `rows`."""
    from ...analysis.similarity import similarity as work
    from ...analysis.similarity import steps

    capture = study.capture
    chosen = layers_of(capture.card, numbers("layers", layers))
    study.check(2 * (len(chosen) * capture.heads) ** 2, "name fewer layers")
    said = partial(answer, chosen, capture.heads, len(capture.tokens))
    return await study.answered(said, steps(capture, chosen, rows), work, capture, chosen, rows)


def layers_of(card: ModelCard, named: list[int] | None) -> list[int]:
    """None is all. Raises UnknownLayer."""
    chosen = list(range(card.layers or 0)) if named is None else named
    for layer in chosen:
        card.check_head(layer, 0)
    return chosen


def answer(layers: list[int], heads: int, size: int, found: "Similarity") -> Answer:
    facts: dict[str, Any] = {
        "layers": layers,
        "heads": heads,
        "axes": ["head", "head"],
        "unit": "bits",
        "exact": len(found.queries) == size,
        "rows": len(found.queries),
        "queries": size,
        "map": {
            "axes": ["head", "dimension"],
            "shown": found.shown,
            "choice": "classical MDS of the square root of the Jensen-Shannon divergence, which is a distance",
        },
        "collapse": collapse(found, layers, heads),
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


def collapse(found: "Similarity", layers: list[int], heads: int) -> list[dict[str, Any]]:
    """Each measure with its rule, and the heads [layer, head] that it names."""
    from ...analysis.similarity import RULES

    def place(number: int) -> list[int]:
        return [layers[number // heads], number % heads]

    said: list[dict[str, Any]] = [
        {"name": name, "rule": RULES[name], "heads": [place(int(number)) for number in np.flatnonzero(held)]}
        for name, held in found.collapsed.items()
    ]
    pairs = [[place(a), place(b)] for a, b in found.near_duplicates(heads)]
    return [*said, {"name": "near_duplicate", "rule": RULES["near_duplicate"], "pairs": pairs}]
