"""The parity certificate: a capture compared with Hugging Face's eager attention, same weights and same text.

Eager attention computes whole maps. They are compared layer by layer, so that one layer's map is in memory at a time.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version

import torch
from torch import Tensor

from ..models.adopted import Adopted
from ..models.decoder_input import decoder_vocabulary
from ..models.loading import LoadedModel
from ..records import NO_PROGRESS, ModelCard, Progress, StackCard, StackName
from .capture import Capture
from .cost import sides
from .layer import LayerCapture
from .passes import forward, pass_layers

# Weights that are compared at once. As float64 with their differences they take some 24 MB.
WEIGHTS_PER_BLOCK = 2**20
BYTES_PER_WEIGHT = 24
LONGEST_TEXT = 2**24  # tokens; no model reads more


@dataclass(frozen=True)
class Certificate:
    """How far the patterns of a capture are from the reference.

    max_abs_error:     per layer, the largest absolute difference of any attention weight; None without attention. Of
                       the first stack; `stacks` has the same of all stacks by name
    max_row_sum_error: the largest absolute difference of a row's sum from 1, or from the share that no sink gets
    causal_leak:       the largest weight on a later token, or the largest change of an earlier query's weights when
                       the second half of the tokens is replaced; None for models without causal attention
    """

    reference: str
    max_abs_error: list[float | None]
    max_row_sum_error: float
    causal_leak: float | None
    dtype: str
    versions: dict[str, str]
    stacks: dict[StackName, list[float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class LayerDifference:
    """The comparison of one layer: the largest error of a weight and of a row's sum, and the largest later weight."""

    error: float
    row_sum_error: float
    ahead: float


def bytes_of_certificate(card: ModelCard, tokens: int, target: int = 0) -> int:
    """The most memory that a certificate needs beside the capture, before it is computed."""
    return max(bytes_of_stack(stack, *sides(stack, tokens, target)) for stack in card.stacks)


def bytes_of_stack(stack: StackCard, queries: int, keys: int) -> int:
    # Eager attention holds the map of a layer twice: scores, then scores with the mask, then weights. The mask itself
    # is another map of one head, and twice while it is made.
    maps = (2 * stack.heads + 2) * queries * keys * 4
    return maps + min(WEIGHTS_PER_BLOCK, stack.heads * queries * keys) * BYTES_PER_WEIGHT


def most_tokens(card: ModelCard, memory: int, target: int = 0) -> int:
    """The longest text whose certificate needs at most this much memory."""
    return bisect_right(range(1, LONGEST_TEXT), memory, key=lambda tokens: bytes_of_certificate(card, tokens, target))


@torch.inference_mode()
def certify(model: LoadedModel, capture: Capture, progress: Progress = NO_PROGRESS) -> Certificate:
    """Run the capture's tokens through Hugging Face's eager attention and compare every weight."""
    causal, layers = capture.card.is_causal, capture.all_layers
    progress.expect((2 if causal else 1) * len(layers))
    found: list[LayerDifference] = []

    def compare(reference: Tensor) -> None:
        found.append(difference(layers[len(found)], reference[0], progress))

    with reference_patterns(model.adopted, compare, progress):
        forward(model, capture.tokens, capture.tokens_of("target"))
    stacks = {stack.name: errors_of(stack, layers, found) for stack in capture.card.stacks}
    leak = None
    if causal:
        ahead = [each.ahead for layer, each in zip(layers, found, strict=True) if layer.causal]
        leak = largest([*ahead, change_from_later_tokens(model, capture, progress)])
    return Certificate(
        reference=f"transformers {version('transformers')} {type(model.adopted.model).__name__}, eager attention",
        max_abs_error=stacks[capture.card.stacks[0].name],
        max_row_sum_error=largest([layer.row_sum_error for layer in found]),
        causal_leak=leak,
        dtype=str(layers[0].q.dtype).removeprefix("torch."),
        versions={name: version(name) for name in ("headscope", "torch", "transformers", "tokenizers")},
        stacks=stacks,
    )


def errors_of(stack: StackCard, layers: Sequence[LayerCapture], found: Sequence[LayerDifference]) -> list[float | None]:
    """The errors of the captured layers of a stack, at the numbers of these layers."""
    errors: list[float | None] = [None] * len(stack.layers)
    for layer, each in zip(layers, found, strict=True):
        if layer.stack == stack.name:
            errors[layer.index] = each.error
    return errors


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
        sums.append((ours.sum(-1) - layer.row_sums(heads, rows)).abs().max())
        ahead.append(ours.triu(1 + rows.start).max())
        errors.append(ours.sub_(reference[:, rows.start : rows.stop]).abs_().max())
    return LayerDifference(*(torch.stack(each).max().item() for each in (errors, sums, ahead)))


def row_blocks(layer: LayerCapture, rows: int) -> Iterator[range]:
    """The first rows of a layer, in blocks of at most WEIGHTS_PER_BLOCK weights of all heads."""
    height = max(1, WEIGHTS_PER_BLOCK // (layer.heads * layer.k.shape[1]))
    return (range(start, min(start + height, rows)) for start in range(0, rows, height))


def change_from_later_tokens(model: LoadedModel, capture: Capture, progress: Progress) -> float:
    """The largest change of a weight of early queries when later tokens are replaced.

    Early are the first half of the text that causal attention reads: the target of a model with a decoder.
    """
    causal = next(stack for stack in capture.card.stacks if stack.causal)
    tokens = {side: list(capture.tokens_of(side)) for side in ("source", "target")}
    read, vocabulary = tokens[causal.queries], vocabulary_of(model, causal)
    half = len(read) // 2
    if half == 0:
        return 0.0
    read[half:] = [replace(token, id=(token.id + 1) % vocabulary) for token in read[half:]]
    compared, changes = iter(capture.all_layers), [0.0]
    with_causal_queries = {stack.name for stack in capture.card.stacks if stack.queries == causal.queries}

    def compare(changed: LayerCapture) -> None:
        layer = next(compared)
        if layer.stack in with_causal_queries:
            keys = layer.k.shape[1] if layer.stack == "cross" else half
            changes.append(change(layer, changed, half, keys, progress))

    pass_layers(model, partial(forward, model, tokens["source"], tokens["target"]), copied, compare, progress)
    return largest(changes)


def vocabulary_of(model: LoadedModel, stack: StackCard) -> int:
    return decoder_vocabulary(model.adopted) if stack.queries == "target" else model.adopted.vocabulary


def copied(_: str, x: Tensor) -> Tensor:
    return torch.empty(x.shape, dtype=x.dtype, device=x.device).copy_(x)


def change(layer: LayerCapture, changed: LayerCapture, half: int, keys: int, progress: Progress) -> float:
    """The largest difference of a weight of the first `half` queries on the first keys."""
    heads, early, found = range(layer.heads), range(keys), []
    for rows in row_blocks(layer, half):
        progress.check()
        # As the kernel computed them: normalising a row rounds differently in windows of different sizes.
        before, after = (each.block(heads, rows, early, "pattern", False) for each in (layer, changed))
        found.append(before.sub_(after).abs_().max())
    return torch.stack(found).max().item()


def largest(numbers: list[float]) -> float:
    """The maximum; NaN if any of them is."""
    return torch.tensor(numbers, dtype=torch.float64).max().item()
