"""Capture -> what each head does with the attention that is left beside its sink, by the rules of analysis/roles.

Axis letters: r role, l layer, h head, i query row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..capture.capture import Capture
from ..records import NO_PROGRESS, Progress
from .blocks import add_blocks
from .formulas.block import Block
from .formulas.roles import (
    DELIMITER_THRESHOLD,
    MIN_OUTSIDE_SINK,
    MIN_QUERIES,
    ROLES,
    SINK_THRESHOLD,
    TIMES_UNIFORM,
    rest_of,
)


@dataclass(frozen=True)
class Roles:
    """sink [l h], the mean mass on it over the queries that see anything else; share and chance [r l h], of what is
    left; left [r l h], its mean over the queries counted for a role, and queries [r], how many; held [r l h]."""

    sink: np.ndarray
    share: np.ndarray
    chance: np.ndarray
    left: np.ndarray
    queries: np.ndarray
    causal: bool

    @property
    def held(self) -> np.ndarray:
        """[r l h], True where a head plays a role."""
        enough = (self.queries >= MIN_QUERIES)[:, None, None] & (self.left >= MIN_OUTSIDE_SINK)
        threshold = np.array([role.threshold for role in ROLES])[:, None, None]
        with np.errstate(invalid="ignore"):  # where no query is counted
            more = np.isnan(self.chance) | (self.share >= TIMES_UNIFORM * self.chance)
            return np.asarray(enough & (self.share >= threshold) & more)

    @property
    def rests(self) -> np.ndarray:
        """[l h], True where a head does little but rest on its sink."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.sink > SINK_THRESHOLD)

    @property
    def delimiter(self) -> np.ndarray:
        """[l h], True where a head of an encoder looks at delimiters."""
        with np.errstate(invalid="ignore"):
            return np.asarray(~np.full_like(self.sink, self.causal, bool) & (self.sink >= DELIMITER_THRESHOLD))


@torch.inference_mode()
def roles(capture: Capture, progress: Progress = NO_PROGRESS) -> Roles:
    sums = [RoleSums(capture.heads) for _ in capture.layers]
    add_blocks(capture, sums, progress=progress)
    return roles_of(sums, capture.layers[0].config.causal)


class RoleSums:
    """Sums over the queries of a layer: got, chance and left [r h], queries [r]; sink [h] over `seeing` queries."""

    def __init__(self, heads: int) -> None:
        self.got, self.chance, self.left = torch.zeros(3, len(ROLES), heads, dtype=torch.float64)
        self.queries = torch.zeros(len(ROLES))
        self.sink = torch.zeros(heads, dtype=torch.float64)
        self.seeing = 0

    def add(self, block: Block) -> None:
        rest = rest_of(block)
        free = rest.seen.any(-1)
        self.sink += (rest.sink * free).sum(-1, dtype=torch.float64).cpu()
        self.seeing += int(free.sum())
        for number, role in enumerate(ROLES):
            mass, by_chance, counted = role.of(rest)
            self.got[number] += (mass * counted).sum(-1, dtype=torch.float64).cpu()
            self.chance[number] += (rest.left * by_chance * counted).sum(-1, dtype=torch.float64).cpu()
            self.left[number] += (rest.left * counted).sum(-1, dtype=torch.float64).cpu()
            self.queries[number] += int(counted.sum())


def roles_of(layers: Sequence[RoleSums], causal: bool) -> Roles:
    got, chance, left = (
        torch.stack([getattr(layer, name) for layer in layers], 1).numpy() for name in ("got", "chance", "left")
    )
    sink = torch.stack([layer.sink / (layer.seeing or torch.nan) for layer in layers]).numpy()
    queries = layers[0].queries.numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        return Roles(sink, got / left, chance / left, left / queries[:, None, None], queries, causal)
