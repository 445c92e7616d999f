"""How exact weights are: the bundled models beside Hugging Face's eager attention, at several lengths."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .figures import Row
from .precision import BUNDLED, TEXT

if TYPE_CHECKING:
    from torch import Tensor

    from headscope.capture.capture import Capture

LENGTHS = (1, 60, 511, 512)
ASKED, ASKED_ABOVE_ONE = 1e-5, 1e-6


def rows(quick: bool) -> Iterator[Row]:
    """For each model and length: the largest error, the largest weight, and the row sums before rows are normalised."""
    from headscope.capture.capture import run
    from headscope.capture.certificate import certify
    from headscope.engine.model_cache import Shelf
    from headscope.settings import Settings

    shelf = Shelf(Settings())
    for model_id in BUNDLED:
        model = asyncio.run(shelf.model(model_id))
        for tokens in LENGTHS[:: 3 if quick else 1]:
            # minilm puts [CLS] and [SEP] around the one token.
            capture = run(model, "cat" if tokens == 1 else TEXT * 4, None, max(tokens, 3), truncate=True)
            error, above = max(certify(model, capture).max_abs_error), largest(capture) - 1
            yield Row(
                f"weights of {model_id}, {len(capture.tokens)} tokens, against eager attention",
                f"{error:.1e}, no weight above 1 by more than {max(above, 0):.0e}",
                asked=f"{ASKED:.0e}, {ASKED_ABOVE_ONE:.0e}",
                beside=f"rows as the kernel leaves them: a sum of 1 is missed by {sums_before(capture):.1e}",
                met=error <= ASKED and above <= ASKED_ABOVE_ONE,
            )


def patterns(capture: "Capture", normalised: bool) -> "Iterator[Tensor]":
    """[h i j] of each layer."""
    every, whole = range(capture.heads), range(len(capture.tokens))
    return (layer.block(every, whole, whole, "pattern", normalised) for layer in capture.layers)


def sums_before(capture: "Capture") -> float:
    """How far rows are from a sum of 1 where the kernel's log-sum-exp is taken as it is."""
    return max((pattern.sum(-1) - 1).abs().max().item() for pattern in patterns(capture, normalised=False))


def largest(capture: "Capture") -> float:
    return max(pattern.max().item() for pattern in patterns(capture, normalised=True))
