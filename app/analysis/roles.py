"""Capture -> what each head does with the attention that is left beside its sink, by the rules of analysis/roles.

Axis letters: r role, l layer, h head, i query row.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ..capture.capture import Capture
from ..capture.layer import LayerCapture
from ..records import NO_PROGRESS, Progress
from .blocks import of_layer, text_for
from .formulas.block import Text
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
    text = text_for(capture)
    layers = [of_one(layer, text, progress) for layer in capture.layers]
    got, by_chance, left = (np.stack([layer[name] for layer in layers], 1) for name in ("got", "chance", "left"))
    sinks, queries = np.stack([layer["sink"] for layer in layers]), layers[0]["queries"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return Roles(sinks, got / left, by_chance / left, left / queries[:, None, None], queries, text.causal)


def of_one(layer: LayerCapture, text: Text, progress: Progress) -> dict[str, np.ndarray]:
    """Sums over the queries of a layer: got, chance and left [r h], queries [r]; and the mean sink [h]."""
    got, chance, left = torch.zeros(3, len(ROLES), layer.config.heads, dtype=torch.float64)
    queries, sink, seeing = torch.zeros(len(ROLES)), torch.zeros(layer.config.heads, dtype=torch.float64), 0
    for block in of_layer(layer, text, progress):
        rest = rest_of(block)
        free = rest.seen.any(-1)
        sink += (rest.sink * free).sum(-1, dtype=torch.float64).cpu()
        seeing += int(free.sum())
        for number, role in enumerate(ROLES):
            mass, by_chance, counted = role.of(rest)
            got[number] += (mass * counted).sum(-1, dtype=torch.float64).cpu()
            chance[number] += (rest.left * by_chance * counted).sum(-1, dtype=torch.float64).cpu()
            left[number] += (rest.left * counted).sum(-1, dtype=torch.float64).cpu()
            queries[number] += int(counted.sum())
    sums = {"got": got, "chance": chance, "left": left, "queries": queries, "sink": sink / (seeing or torch.nan)}
    return {name: total.numpy() for name, total in sums.items()}
