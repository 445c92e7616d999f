"""Accuracy of weights: the included models compared with Hugging Face's eager attention, at several lengths."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .measurements import Row
from .precision import BUNDLED, TEXT

if TYPE_CHECKING:
    from torch import Tensor

    from headscope.capture.capture import Capture

LENGTHS = (1, 60, 511, 512)
TARGET, TARGET_ABOVE_ONE = 1e-5, 1e-6


def rows(quick: bool) -> Iterator[Row]:
    """For each model and length: the largest error, the largest weight, and the row sums before rows are normalised."""
    from headscope.capture.capture import run
    from headscope.capture.certificate import certify
    from headscope.engine.model_cache import ModelCache
    from headscope.records import Prompt
    from headscope.settings import Settings

    models = ModelCache(Settings())
    for model_id in BUNDLED:
        model = asyncio.run(models.model(model_id))
        for tokens in LENGTHS[:: 3 if quick else 1]:
            # minilm adds [CLS] and [SEP] to the one token.
            prompt = Prompt("cat" if tokens == 1 else TEXT * 4, truncate=True)
            capture = run(model, prompt, max(tokens, 3))
            error, above = max(certify(model, capture).max_abs_error), largest(capture) - 1
            yield Row(
                f"weights of {model_id}, {len(capture.tokens)} tokens, compared with eager attention",
                f"error {error:.1e}, largest weight 1 + {max(above, 0):.0e}",
                target=f"error <= {TARGET:.0e}, weights <= 1 + {TARGET_ABOVE_ONE:.0e}",
                comparison=f"before rows are normalised, their sums differ from 1 by up to {sums_before(capture):.1e}",
                reached=error <= TARGET and above <= TARGET_ABOVE_ONE,
            )


def patterns(capture: "Capture", normalised: bool) -> "Iterator[Tensor]":
    """[h i j] of each layer."""
    every, whole = range(capture.heads), range(len(capture.tokens))
    return (layer.block(every, whole, whole, "pattern", normalised) for layer in capture.layers)


def sums_before(capture: "Capture") -> float:
    """Largest difference of a row sum from 1 with the log-sum-exp of the kernel, before rows are normalised."""
    return max((pattern.sum(-1) - 1).abs().max().item() for pattern in patterns(capture, normalised=False))


def largest(capture: "Capture") -> float:
    return max(pattern.max().item() for pattern in patterns(capture, normalised=True))
