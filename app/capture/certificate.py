"""The parity certificate: a capture compared with Hugging Face's eager attention, same weights and same text."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

from ..models.adapter import Adopted
from ..models.loading import LoadedModel
from ..records import NO_PROGRESS, Progress
from .capture import Capture, forward, run_tokens
from .layer import Cells


@dataclass(frozen=True)
class Certificate:
    """How far the patterns of a capture are from the reference.

    max_abs_error:     per layer, the largest absolute difference of any attention weight
    max_row_sum_error: the largest absolute difference of a row's sum from 1
    causal_leak:       the largest weight on a later token, or the largest change of an earlier query's weights when
                       the second half of the tokens is replaced; None for models that are not causal
    """

    reference: str
    max_abs_error: list[float]
    max_row_sum_error: float
    causal_leak: float | None
    dtype: str
    versions: dict[str, str]


@contextmanager
def reference_patterns(adopted: Adopted, into: list[Tensor], progress: Progress = NO_PROGRESS) -> Iterator[None]:
    """Within the `with` block the model runs Hugging Face's attention, and each layer's pattern goes to `into`.

    A pattern is [b h i j].
    """

    def keep(_: Module, __: Any, output: tuple[Any, ...]) -> None:
        into.append(output[1])
        progress.check()
        progress.step()

    with adopted.as_hugging_face(), ExitStack() as undo:
        originals = [replaced.original for replaced in adopted.replacements if any(replaced.original.children())]
        for module in originals:
            handle = module.register_forward_hook(keep)
            undo.callback(handle.remove)
        yield


@torch.inference_mode()
def certify(model: LoadedModel, capture: Capture, progress: Progress = NO_PROGRESS) -> Certificate:
    """Run the capture's tokens through Hugging Face's eager attention and compare every weight."""
    progress.expect((2 if capture.card.causal else 1) * len(capture.layers))
    theirs: list[Tensor] = []
    with reference_patterns(model.adopted, theirs, progress):
        forward(model, capture.tokens)
    every, whole = range(capture.heads), range(len(capture.tokens))
    errors, sums, ahead = [], [], []
    for layer, reference in zip(capture.layers, theirs, strict=True):
        ours = layer.block(every, whole, whole)
        errors.append((ours - reference[0]).abs().max().item())
        sums.append((ours.sum(-1) - 1).abs().max().item())
        ahead.append(ours.triu(1).max().item())
    return Certificate(
        reference=f"transformers {version('transformers')} {type(model.adopted.model).__name__}, eager attention",
        max_abs_error=errors,
        max_row_sum_error=max(sums),
        causal_leak=max(*ahead, change_from_later_tokens(model, capture, progress)) if capture.card.causal else None,
        dtype=str(capture.layers[0].q.dtype).removeprefix("torch."),
        versions={name: version(name) for name in ("headscope", "torch", "transformers", "tokenizers")},
    )


def change_from_later_tokens(model: LoadedModel, capture: Capture, progress: Progress) -> float:
    """The largest change of a weight within the first half of the tokens when the second half is replaced."""
    half, vocabulary = len(capture.tokens) // 2, model.adopted.model.config.vocab_size
    if half == 0:
        return 0.0
    others = (replace(token, id=(token.id + 1) % vocabulary) for token in capture.tokens[half:])
    changed = run_tokens(model, (*capture.tokens[:half], *others), progress=progress)
    every, early = range(capture.heads), range(half)
    # As the kernel computed them: normalising a row rounds differently in windows of different sizes.
    window: tuple[range, range, range, Cells, bool] = every, early, early, "pattern", False
    pairs = zip(capture.layers, changed, strict=True)
    return max((a.block(*window) - b.block(*window)).abs().max().item() for a, b in pairs)
