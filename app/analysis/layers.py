"""Rollout and flow of a capture, through all layers. Axis letters: i query, j input token."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..capture.capture import Capture
from ..capture.layer import LayerCapture
from ..errors import NoAttention, TooManyTokens, UnknownLayer
from ..records import NO_PROGRESS, Progress
from . import blocks
from .blocks import check_within, of_layer, texts_for
from .formulas.rollout import next_rollout, step

# A map of this many tokens takes 64 MB, and a few maps are in memory at once.
MOST_OF_ROLLOUT = 4096
# The flow is computed for each pair of tokens, on a graph with n^2 edges per layer.
MOST_OF_FLOW = 128


@dataclass(frozen=True)
class RolloutOptions:
    """Options of rollout and flow.

    start, layer: the first and the last layer
    residual:     share of the residual stream, 1/2 in the paper
    receptive:    see `formulas.rollout.step`
    """

    start: int
    layer: int
    residual: float
    receptive: bool


def rollout_options(
    capture: Capture, start: int, layer: int | None, residual: float, receptive: bool | None
) -> RolloutOptions:
    """Defaults: layer None is the last layer; receptive None is True for causal models. Raises UnknownLayer."""
    check_within(capture, "rollout and flow")
    last = len(capture.stack.layers) - 1
    chosen = last if layer is None else layer
    if not 0 <= start <= chosen <= last:
        raise UnknownLayer(
            f"start={start}, layer={chosen}: {capture.card.id} has layers 0..{last}, and start must not be after layer"
        )
    if not layers_between(capture, start, chosen):
        raise NoAttention(
            f"start={start}, layer={chosen}: {capture.card.id} has attention in the layers "
            f"{', '.join(map(str, capture.stack.with_attention))}"
        )
    causal = capture.layers[0].causal
    return RolloutOptions(start, chosen, residual, causal if receptive is None else receptive)


def layers_between(capture: Capture, first: int, last: int) -> list[LayerCapture]:
    """Those of the layers from `first` to `last` that have attention. The others move nothing between tokens here."""
    return [layer for layer in capture.layers if first <= layer.index <= last]


def steps_of(capture: Capture, options: RolloutOptions, queries: Sequence[int] = ()) -> int:
    """The number of steps of a rollout, or of the flow from these queries."""
    rolled = layers_between(capture, options.start, options.layer)
    return blocks.steps(capture, rolled) + len(queries) * len(capture.queries)


def check_size(capture: Capture, most: int, what: str) -> None:
    """Raises TooManyTokens."""
    if len(capture.queries) > most:
        raise TooManyTokens(
            f"{len(capture.queries):,} tokens: {what} is computed for at most {most:,} tokens, so shorten the text"
        )


def bytes_of_rollout(tokens: int) -> int:
    """The most memory that a rollout needs: five maps in float32, of which the last is the result."""
    return 5 * 4 * tokens**2


@torch.inference_mode()
def rollout(capture: Capture, options: RolloutOptions, progress: Progress = NO_PROGRESS) -> np.ndarray:
    """[i j], the share of input token j in token i above the last layer. Raises TooManyTokens."""
    check_size(capture, MOST_OF_ROLLOUT, "rollout")
    rolled: Tensor | None = None
    for a in steps(capture, options, progress):
        rolled = next_rollout(a, rolled)
    assert rolled is not None
    return rolled.cpu().numpy()


def steps(capture: Capture, options: RolloutOptions, progress: Progress) -> Iterator[Tensor]:
    """A~ [i j] of each layer, from the first to the last."""
    for layer in layers_between(capture, options.start, options.layer):
        yield step(mean_of_heads(capture, layer, progress), options.residual, options.receptive)


def mean_of_heads(capture: Capture, layer: LayerCapture, progress: Progress) -> Tensor:
    """[i j], the pattern of a layer, averaged over its heads."""
    size = len(capture.queries)
    mean = torch.zeros(size, size, device=layer.q.device)
    for block in of_layer(layer, texts_for(capture), progress):
        mean[block.rows.start : block.rows.stop, : block.weights.shape[-1]] = block.weights.mean(0)
    return mean


@torch.inference_mode()
def flow(
    capture: Capture, options: RolloutOptions, queries: Sequence[int], progress: Progress = NO_PROGRESS
) -> np.ndarray:
    """[query j], the maximum flow from these tokens above the last layer to each input. Raises TooManyTokens."""
    from .formulas.flow import flow_from, graph

    check_size(capture, MOST_OF_FLOW, "flow")
    size = len(capture.queries)
    capacities = graph([a.cpu().numpy() for a in steps(capture, options, progress)])
    found = np.zeros((len(queries), size))
    for number, query in enumerate(queries):
        for key in range(size):
            progress.check()
            found[number, key] = flow_from(capacities, size, query, key)
            progress.step()
    return found
