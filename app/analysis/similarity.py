"""The similarity of the heads of a capture, the collapsed heads, and a map of all heads.

All rows of a long text would take hours for all pairs of heads, so evenly spaced rows are compared instead.
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

# Weights of each head that are compared, in at least MIN_ROWS rows: 128 rows of 128 tokens, 16 rows of 1,024 tokens.
WEIGHTS, MIN_ROWS = 2**14, 16
WEIGHTS_PER_BLOCK = 2**20  # of all heads at once
NEAR_DUPLICATE = 0.05  # bits
LOW_RANK = 2.0
LOW_ENTROPY = 0.1  # bits
SINK = 0.9
RULES = {
    "sink": f"first-token head: more than {SINK:.0%} of all attention on the first token",
    "low_rank": f"effective rank below {LOW_RANK:g}: all queries attend to almost the same keys",
    "low_entropy": f"mean entropy below {LOW_ENTROPY:g} bits: each query attends to one key",
    "near_duplicate": f"Jensen-Shannon divergence to another head of the layer below {NEAR_DUPLICATE:g} bits",
}


@dataclass(frozen=True)
class Similarity:
    """The results, from the rows `queries`.

    jensen_shannon, cosine: [h h]; the divergence in bits, averaged over the rows
    places, shown:          positions on the map [h 2], and the share of the variance that the map shows
    entropy, first, rank:   [h]; entropy in bits, weight on the first token, effective rank
    """

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
        """Name of a rule -> [h], True where the head has collapsed by this rule."""
        return {"sink": self.first > SINK, "low_rank": self.rank < LOW_RANK, "low_entropy": self.entropy < LOW_ENTROPY}

    def near_duplicates(self, layers: Sequence[int]) -> list[tuple[int, int]]:
        """Pairs of heads in the same layer with almost equal rows. `layers` has the layer of each head."""
        close = np.argwhere(np.triu(self.jensen_shannon < NEAR_DUPLICATE, 1))
        return [(int(a), int(b)) for a, b in close if layers[a] == layers[b]]


def spaced(size: int, rows: int) -> tuple[int, ...]:
    """Evenly spaced positions, at most `rows`."""
    taken = min(rows, size)
    return tuple((2 * number + 1) * size // (2 * taken) for number in range(taken))


def compared(size: int, rows: int | None, keys: int) -> tuple[int, ...]:
    """The queries that are compared: `rows` of them, or a number that depends on the size of the text."""
    return spaced(size, rows or max(MIN_ROWS, WEIGHTS // keys))


def steps(capture: Capture, layers: Sequence[int], rows: int | None = None) -> int:
    """The number of steps."""
    queries, keys = len(capture.queries), len(capture.keys)
    groups = grouped(compared(queries, rows, keys), keys * sum(capture.of_layer(number).heads for number in layers))
    return len(list(groups)) + len(layers)


def bytes_of_similarity(heads: int) -> int:
    """The most memory that the comparison of so many heads needs, besides the rows that are compared.

    Ten matrices in float64: sums, divergences, cosines, and the work space of the eigenvectors for the map.
    """
    return 10 * 8 * heads**2


@torch.inference_mode()
def similarity(
    capture: Capture, layers: Sequence[int], rows: int | None = None, progress: Progress = NO_PROGRESS
) -> Similarity:
    """The similarity of all heads of these layers, in the order of the layers."""
    chosen = [capture.of_layer(number) for number in layers]
    queries = compared(len(capture.queries), rows, len(capture.keys))
    divergence, products, entropy, first = sums_over_rows(chosen, queries, progress)
    divergence /= len(queries)
    # The square root of the divergence is a metric (Endres and Schindelin 2003).
    places, shown = formulas.classical_mds(divergence.sqrt())
    counted = counted_for_first(torch.tensor(queries), chosen[0].causal).sum()
    return Similarity(
        divergence.numpy(),
        formulas.cosine(products).numpy(),
        places.numpy(),
        shown,
        (entropy / len(queries)).numpy(),
        (first / (counted or torch.nan)).numpy(),
        torch.cat(list(effective_ranks(chosen, queries, progress))).numpy(),
        queries,
    )


def sums_over_rows(
    layers: Sequence[LayerCapture], queries: Sequence[int], progress: Progress
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Jensen-Shannon divergence and inner products [h h], entropy and weight on the first token [h]."""
    causal, size = layers[0].causal, layers[0].k.shape[1]
    heads = sum(layer.heads for layer in layers)
    divergence, products = torch.zeros(2, heads, heads, dtype=torch.float64)
    entropy, first = torch.zeros(2, heads, dtype=torch.float64)
    for some in grouped(queries, size * heads):
        progress.check()
        weights = torch.cat([of_rows(layer, some) for layer in layers])
        divergence += formulas.jensen_shannon(weights, progress).cpu()
        products += formulas.products(weights).cpu()
        entropy += formulas.bits(weights).sum(-1).cpu()
        first += weights[..., 0][:, counted_for_first(torch.tensor(some), causal)].sum(-1).cpu()
        progress.step()
    return divergence, products, entropy, first


def grouped(queries: Sequence[int], weights_each: int) -> Iterator[Sequence[int]]:
    """Groups of rows that fit into memory together."""
    count = max(1, WEIGHTS_PER_BLOCK // weights_each)
    return (queries[start : start + count] for start in range(0, len(queries), count))


def of_rows(layer: LayerCapture, queries: Sequence[int]) -> Tensor:
    """[h r j], these rows of a layer, without keys that none of them can see."""
    heads, keys = range(layer.heads), layer.visible(range(queries[0], queries[-1] + 1))
    return torch.cat([layer.block(heads, range(query, query + 1), keys) for query in queries], 1)


def effective_ranks(layers: Sequence[LayerCapture], queries: Sequence[int], progress: Progress) -> Iterator[Tensor]:
    """[h] for each layer."""
    for layer in layers:
        progress.check()
        yield formulas.effective_rank(of_rows(layer, queries)).cpu()
        progress.step()
