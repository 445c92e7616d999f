"""The roles of the heads of the included models, compared with the induction probe and with a naive rule."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .measurements import Row

if TYPE_CHECKING:
    import numpy as np

    from headscope.analysis.roles import Roles
    from headscope.capture.capture import Capture

BUNDLED = ("minilm", "gpt2-mini")
# Some phrases are repeated: without repetitions, there is no induction.
TEXT = (
    "The old harbour lay quiet in the morning, and the boats moved slowly with the tide. Martha Ellison had come down "
    "from the house on the hill to meet the ferry, but the ferry was late. She walked along the wall, counted the "
    'gulls, and went back to the house on the hill to wait. "It always comes," said the man who kept the light. The '
    "ferry came at noon. The old harbour was no longer quiet: men called to one another, the boats moved slowly with "
    "the tide, and Martha Ellison, who had come down from the house on the hill again, saw her brother wave from the "
    'deck. "It always comes," said the man who kept the light, and he went to his dinner.'
)
# The naive rule names a head after the largest of these scores.
NAIVE = ("first", "previous", "next", "self", "duplicate", "induction", "punctuation")


def rows(quick: bool) -> Iterator[Row]:
    from headscope.analysis.induction import SCORES, probe
    from headscope.analysis.roles import roles
    from headscope.capture.capture import run
    from headscope.engine.model_cache import ModelCache
    from headscope.settings import Settings

    models = ModelCache(Settings())
    for model_id in BUNDLED[: 1 if quick else None]:
        model = asyncio.run(models.model(model_id))
        capture = run(model, TEXT)
        found = roles(capture)
        probed = {}
        if model.card.causal:
            probed = {score.name: values for score, values in zip(SCORES, probe(model).values, strict=True)}
        yield from role_rows(f"{model_id}, {len(capture.tokens)} tokens", found, probed)
        yield naive_row(model_id, capture, found)


def role_rows(what: str, found: "Roles", probed: dict[str, "np.ndarray"]) -> Iterator[Row]:
    """A row for each role, with the heads that reach its threshold in the induction probe, if it measures that role."""
    from headscope.analysis.formulas.roles import DELIMITER, ROLES, SINK_DOMINATED

    for role, held in zip(ROLES, found.held, strict=True):
        comparison = ""
        if role.name in probed:
            comparison = f"induction probe: {addresses(probed[role.name] >= role.threshold)}"
        yield Row(f"{what}: {role.title}", addresses(held), comparison=comparison)
    if not found.causal:
        yield Row(f"{what}: {DELIMITER.removeprefix('only in encoders: ')}", addresses(found.delimiter))
    yield Row(f"{what}: {SINK_DOMINATED}", addresses(found.sink_dominated))


def addresses(chosen: "np.ndarray") -> str:
    """[l h] -> `2 of 32: 2.1, 2.3`, each head as layer.head."""
    heads = [f"{layer}.{head}" for layer, head in zip(*chosen.nonzero(), strict=True)]
    return f"{len(heads)} of {chosen.size}" + (f": {', '.join(heads)}" if heads else "")


def naive_row(model_id: str, capture: "Capture", found: "Roles") -> Row:
    import numpy as np

    from headscope.analysis.scores import per_head
    from headscope.analysis.table import BY_NAME

    naive = np.nanargmax(per_head(capture, [BY_NAME[name] for name in NAIVE]), 0)
    first = naive == NAIVE.index("first")
    dominated, with_role = (first & found.sink_dominated).sum(), (first & found.held.any(0)).sum()
    return Row(
        f"{model_id}: heads that the naive rule calls “first token”",
        f"{first.sum()} of {first.size}",
        comparison=f"sink-dominated: {dominated} of them; with a role: {with_role}",
    )
