"""The roles of all heads of a capture, by the rules in formulas/roles.

Axis letters: r role, l layer, h head, i query row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..capture.capture import Capture
from ..records import NO_PROGRESS, Progress
from .blocks import add_blocks, check_within
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
    """The results.

    sink:          [l h], the mean mass on the sink, over the queries that can see a key outside it
    share, chance: [r l h], the share of the attention outside the sink, and the share under uniform attention
    left:          [r l h], the mean mass outside the sink, over the queries that are counted for the role
    queries:       [r l], the number of these queries, which can differ where layers see different keys
    """

    sink: np.ndarray
    share: np.ndarray
    chance: np.ndarray
    left: np.ndarray
    queries: np.ndarray
    causal: bool

    @property
    def held(self) -> np.ndarray:
        """[r l h], True where a head has a role."""
        threshold = np.array([role.threshold for role in ROLES])[:, None, None]
        with np.errstate(invalid="ignore"):  # where no query is counted
            enough = (self.queries >= MIN_QUERIES)[..., None] & (self.left >= MIN_OUTSIDE_SINK)
            more = np.isnan(self.chance) | (self.share >= TIMES_UNIFORM * self.chance)
            return np.asarray(enough & (self.share >= threshold) & more)

    @property
    def sink_dominated(self) -> np.ndarray:
        """[l h], True where almost all attention of a head is on its sink."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.sink > SINK_THRESHOLD)

    @property
    def delimiter(self) -> np.ndarray:
        """[l h], True for delimiter heads, which only encoders have."""
        with np.errstate(invalid="ignore"):
            return np.asarray(~np.full_like(self.sink, self.causal, bool) & (self.sink >= DELIMITER_THRESHOLD))


@torch.inference_mode()
def roles(capture: Capture, progress: Progress = NO_PROGRESS) -> Roles:
    check_within(capture, "roles")
    sums = [RoleSums(layer.heads) for layer in capture.layers]
    add_blocks(capture, sums, progress=progress)
    return roles_of(capture, sums)


class RoleSums:
    """Sums over the queries of a layer.

    mass, chance, left: [r h], over the counted queries of each role, whose number is queries [r]
    sink:               [h], over the `seeing` queries that can see a key outside the sink
    """

    def __init__(self, heads: int) -> None:
        self.mass, self.chance, self.left = torch.zeros(3, len(ROLES), heads, dtype=torch.float64)
        self.queries = torch.zeros(len(ROLES))
        self.sink = torch.zeros(heads, dtype=torch.float64)
        self.seeing = 0

    def add(self, block: Block) -> None:
        rest = rest_of(block)
        sees_outside = rest.seen.any(-1)
        self.sink += (rest.sink * sees_outside).sum(-1, dtype=torch.float64).cpu()
        self.seeing += int(sees_outside.sum())
        for number, role in enumerate(ROLES):
            mass, by_chance, counted = role.of(rest)
            self.mass[number] += (mass * counted).sum(-1, dtype=torch.float64).cpu()
            self.chance[number] += (rest.left * by_chance * counted).sum(-1, dtype=torch.float64).cpu()
            self.left[number] += (rest.left * counted).sum(-1, dtype=torch.float64).cpu()
            self.queries[number] += int(counted.sum())


def roles_of(capture: Capture, layers: Sequence[RoleSums]) -> Roles:
    mass, chance, left = (
        capture.in_grid([getattr(layer, name) for layer in layers], 1).numpy() for name in ("mass", "chance", "left")
    )
    sink = capture.in_grid([layer.sink / (layer.seeing or torch.nan) for layer in layers]).numpy()
    queries = capture.in_grid([layer.queries[:, None] for layer in layers], 1).nan_to_num(nan=0).numpy()[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        return Roles(sink, mass / left, chance / left, left / queries[..., None], queries, capture.layers[0].causal)
