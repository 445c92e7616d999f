"""The parity certificate: a capture compared with Hugging Face's eager attention, same weights and same text.

Eager attention computes whole maps. They are compared layer by layer, so that one layer's map is in memory at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import count
from math import isqrt

import torch
from torch import Tensor

from ..models.adopted import Adopted
from ..models.loading import LoadedModel
from ..records import NO_PROGRESS, ModelCard, Progress
from .capture import Capture, forward, pass_layers
from .layer import LayerCapture

# Weights that are compared at once. As float64 with their differences they take some 24 MB.
WEIGHTS_PER_BLOCK = 2**20
BYTES_PER_WEIGHT = 24


@dataclass(frozen=True)
class Certificate:
    """How far the patterns of a capture are from the reference.

    max_abs_error:     per layer, the largest absolute difference of any attention weight; None without attention
    max_row_sum_error: the largest absolute difference of a row's sum from 1
    causal_leak:       the largest weight on a later token, or the largest change of an earlier query's weights when
                       the second half of the tokens is replaced; None for models that are not causal
    """

    reference: str
    max_abs_error: list[float | None]
    max_row_sum_error: float
    causal_leak: float | None
    dtype: str
    versions: dict[str, str]


@dataclass(frozen=True)
class LayerDifference:
    """The comparison of one layer: the largest error of a weight and of a row's sum, and the largest later weight."""

    error: float
    row_sum_error: float
    ahead: float


def bytes_of_certificate(card: ModelCard, tokens: int) -> int:
    """The most memory that a certificate needs beside the capture, before it is computed."""
    assert card.heads is not None
    # Eager attention holds the map of a layer twice: scores, then scores with the mask, then weights. The mask itself
    # is another map of one head, and twice while it is made.
    maps = (2 * card.heads + 2) * tokens**2 * 4
    return maps + min(WEIGHTS_PER_BLOCK, card.heads * tokens**2) * BYTES_PER_WEIGHT


def most_tokens(card: ModelCard, memory: int) -> int:
    """The longest text whose certificate needs at most this much memory."""
    return isqrt(max(0, memory - WEIGHTS_PER_BLOCK * BYTES_PER_WEIGHT) // (bytes_of_certificate(card, 10**4) // 10**8))


@torch.inference_mode()
def certify(model: LoadedModel, capture: Capture, progress: Progress = NO_PROGRESS) -> Certificate:
    """Run the capture's tokens through Hugging Face's eager attention and compare every weight."""
    progress.expect((2 if capture.card.causal else 1) * len(capture.layers))
    found: list[LayerDifference] = []

    def compare(reference: Tensor) -> None:
        found.append(difference(capture.layers[len(found)], reference[0], progress))

    with reference_patterns(model.adopted, compare, progress):
        forward(model, capture.tokens)
    leak = largest([layer.ahead for layer in found])
    if capture.card.causal:
        leak = largest([leak, change_from_later_tokens(model, capture, progress)])
    return Certificate(
        reference=f"transformers {version('transformers')} {type(model.adopted.model).__name__}, eager attention",
        max_abs_error=in_order(capture, [layer.error for layer in found]),
        max_row_sum_error=largest([layer.row_sum_error for layer in found]),
        causal_leak=leak if capture.card.causal else None,
        dtype=str(capture.layers[0].q.dtype).removeprefix("torch."),
        versions={name: version(name) for name in ("headscope", "torch", "transformers", "tokenizers")},
    )


def in_order(capture: Capture, errors: list[float]) -> list[float | None]:
    """The errors of the captured layers, at the numbers of these layers."""
    found: list[float | None] = [None] * len(capture.card.stacks[0].layers)
    for layer, error in zip(capture.layers, errors, strict=True):
        found[layer.index] = error
    return found


@contextmanager
def reference_patterns(
    adopted: Adopted, compare: Callable[[Tensor], object], progress: Progress = NO_PROGRESS
) -> Iterator[None]:
    """Within the `with` block the model runs Hugging Face's attention, and `compare` gets each layer's pattern.

    A pattern is [b h i j]. It is dropped before the rest of its layer runs.
    """

    def take(pattern: Tensor) -> None:
        progress.check()
        compare(pattern)
        progress.step()

    with adopted.eager_patterns(take):
        yield


def difference(layer: LayerCapture, reference: Tensor, progress: Progress) -> LayerDifference:
    """A layer against the reference [h i j], one block of rows at a time."""
    heads, keys = range(layer.heads), range(layer.k.shape[1])
    errors, sums, ahead = [], [], []
    for rows in row_blocks(layer, layer.q.shape[1]):
        progress.check()
        ours = layer.block(heads, rows, keys)
        sums.append((ours.sum(-1) - 1).abs().max())
        ahead.append(ours.triu(1 + rows.start).max())
        errors.append(ours.sub_(reference[:, rows.start : rows.stop]).abs_().max())
    return LayerDifference(*(torch.stack(each).max().item() for each in (errors, sums, ahead)))


def row_blocks(layer: LayerCapture, rows: int) -> Iterator[range]:
    """The first rows of a layer, in blocks of at most WEIGHTS_PER_BLOCK weights of all heads."""
    height = max(1, WEIGHTS_PER_BLOCK // (layer.heads * layer.k.shape[1]))
    return (range(start, min(start + height, rows)) for start in range(0, rows, height))


def change_from_later_tokens(model: LoadedModel, capture: Capture, progress: Progress) -> float:
    """The largest change of a weight within the first half of the tokens when the second half is replaced."""
    half, vocabulary = len(capture.tokens) // 2, model.adopted.vocabulary
    if half == 0:
        return 0.0
    others = (replace(token, id=(token.id + 1) % vocabulary) for token in capture.tokens[half:])
    tokens = (*capture.tokens[:half], *others)
    numbers, changes = count(), [0.0]

    def compare(changed: LayerCapture) -> None:
        changes.append(change(capture.layers[next(numbers)], changed, half, progress))

    pass_layers(model, partial(forward, model, tokens), copied, compare, progress)
    return largest(changes)


def copied(_: str, x: Tensor) -> Tensor:
    return torch.empty(x.shape, dtype=x.dtype, device=x.device).copy_(x)


def change(layer: LayerCapture, changed: LayerCapture, half: int, progress: Progress) -> float:
    """The largest difference of a weight within the first `half` tokens."""
    heads, early, found = range(layer.heads), range(half), []
    for rows in row_blocks(layer, half):
        progress.check()
        # As the kernel computed them: normalising a row rounds differently in windows of different sizes.
        before, after = (each.block(heads, rows, early, "pattern", False) for each in (layer, changed))
        found.append(before.sub_(after).abs_().max())
    return torch.stack(found).max().item()


def largest(numbers: list[float]) -> float:
    """The maximum; NaN if any of them is."""
    return torch.tensor(numbers, dtype=torch.float64).max().item()
