"""Capture -> how alike its heads are, which have collapsed, and a map of them, from the same rows of all heads.

All pairs of heads over all rows of a long text would take hours: so many rows, evenly spaced, stand for all.
Axis letters: h head of any layer, r query row, j key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..capture.capture import Capture
from ..capture.layer import LayerCapture
from ..records import NO_PROGRESS, Progress
from .formulas import similarity as formulas
from .formulas.sinks import counted_for_first

# So many weights of each head, and no fewer rows than that: all rows of a text of 128 tokens, 16 of 1,024.
WEIGHTS, FEWEST_ROWS = 2**14, 16
WEIGHTS_PER_BLOCK = 2**20  # of all heads at once
NEAR_DUPLICATE = 0.05  # bits
LOW_RANK = 2.0
LOW_ENTROPY = 0.1  # bits
SINK = 0.9
RULES = {
    "sink": f"more than {SINK:.0%} of all attention on the first token",
    "low_rank": f"effective rank below {LOW_RANK:g}: all queries attend almost alike",
    "low_entropy": f"mean entropy below {LOW_ENTROPY:g} bits: each query attends to one key",
    "near_duplicate": f"Jensen-Shannon divergence to another head of the layer below {NEAR_DUPLICATE:g} bits",
}


@dataclass(frozen=True)
class Similarity:
    """jensen_shannon (bits, the mean over rows) and cosine [h h]; places [h 2] of the map and which share of the
    variance it shows; of each head its entropy (bits), mass on the first token and effective rank [h]; the rows."""

    jensen_shannon: np.ndarray
    cosine: np.ndarray
    places: np.ndarray
    shown: float
    entropy: np.ndarray
    first: np.ndarray
    rank: np.ndarray
    queries: tuple[int, ...]

    @property
    def collapsed(self) -> dict[str, np.ndarray]:
        """name of a rule -> [h], True where it says that a head has collapsed."""
        return {"sink": self.first > SINK, "low_rank": self.rank < LOW_RANK, "low_entropy": self.entropy < LOW_ENTROPY}

    def near_duplicates(self, heads: int) -> list[tuple[int, int]]:
        """Pairs of heads within a layer whose rows hardly differ; so many heads to a layer."""
        close = np.argwhere(np.triu(self.jensen_shannon < NEAR_DUPLICATE, 1))
        return [(int(a), int(b)) for a, b in close if a // heads == b // heads]


def spaced(size: int, rows: int) -> tuple[int, ...]:
    """So many positions, evenly spaced; all where there are no more."""
    taken = min(rows, size)
    return tuple((2 * number + 1) * size // (2 * taken) for number in range(taken))


def compared(size: int, rows: int | None) -> tuple[int, ...]:
    """The queries that stand for all, as many as asked for or as are good for a text of that size."""
    return spaced(size, rows or max(FEWEST_ROWS, WEIGHTS // size))


def steps(capture: Capture, layers: Sequence[int], rows: int | None = None) -> int:
    """How often it asks whether to go on."""
    size = len(capture.tokens)
    groups = grouped(compared(size, rows), size * len(layers) * capture.heads)
    return len(list(groups)) + len(layers)


@torch.inference_mode()
def similarity(
    capture: Capture, layers: Sequence[int], rows: int | None = None, progress: Progress = NO_PROGRESS
) -> Similarity:
    """Of the heads of these layers, layer by layer, from so many rows."""
    size, chosen = len(capture.tokens), [capture.layers[number] for number in layers]
    queries = compared(size, rows)
    heads, causal = len(chosen) * capture.heads, chosen[0].config.causal
    divergence = torch.zeros(heads, heads, dtype=torch.float64)
    products, entropy, first = torch.zeros_like(divergence), *torch.zeros(2, heads, dtype=torch.float64)
    for some in grouped(queries, size * heads):
        progress.check()
        weights = torch.cat([of_rows(layer, some) for layer in chosen])
        divergence += formulas.jensen_shannon(weights).cpu()
        products += formulas.products(weights).cpu()
        entropy += formulas.bits(weights).sum(-1).cpu()
        first += weights[..., 0][:, counted_for_first(torch.tensor(some), causal)].sum(-1).cpu()
        progress.step()
    divergence /= len(queries)
    # Its square root is a distance, and one that fits into a Euclidean space (Endres and Schindelin 2003).
    places, shown = formulas.classical_mds(divergence.sqrt())
    return Similarity(
        divergence.numpy(),
        formulas.cosine(products).numpy(),
        places.numpy(),
        shown,
        (entropy / len(queries)).numpy(),
        (first / (counted_for_first(torch.tensor(queries), causal).sum() or torch.nan)).numpy(),
        torch.cat(list(effective_ranks(chosen, queries, progress))).numpy(),
        queries,
    )


def grouped(queries: Sequence[int], weights_each: int) -> Iterator[Sequence[int]]:
    """As many rows at once as there is room for."""
    many = max(1, WEIGHTS_PER_BLOCK // weights_each)
    return (queries[start : start + many] for start in range(0, len(queries), many))


def of_rows(layer: LayerCapture, queries: Sequence[int]) -> Tensor:
    """[h r j] of one layer, these rows; keys that none of them sees are left out."""
    heads, keys = range(layer.config.heads), range(queries[-1] + 1 if layer.config.causal else layer.q.shape[1])
    return torch.cat([layer.block(heads, range(query, query + 1), keys) for query in queries], 1)


def effective_ranks(layers: Sequence[LayerCapture], queries: Sequence[int], progress: Progress) -> Iterator[Tensor]:
    """[h] of each layer."""
    for layer in layers:
        progress.check()
        yield formulas.effective_rank(of_rows(layer, queries)).cpu()
        progress.step()
