"""Capture -> how its layers work together: rollout, and flow. Axis letters: i query, j input token."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..capture.capture import Capture
from ..capture.layer import LayerCapture
from ..errors import TooManyTokens, UnknownLayer
from ..records import NO_PROGRESS, Progress
from . import blocks
from .blocks import of_layer, text_for
from .formulas.rollout import next_rollout, step

# Of so many tokens a map takes 64 MB, and a few are held at once.
MOST_OF_ROLLOUT = 4096
# A flow is worked out for each pair of tokens on a graph of n^2 edges a layer.
MOST_OF_FLOW = 128


@dataclass(frozen=True)
class How:
    """start: the first layer that counts; layer: the last; residual: share of the token itself, 1/2 in the paper;
    receptive: see `analysis.rollout.step`."""

    start: int
    layer: int
    residual: float
    receptive: bool


def how(capture: Capture, start: int, layer: int | None, residual: float, receptive: bool | None) -> How:
    """None is the last layer, and the correction where the model is causal. Raises UnknownLayer."""
    last = len(capture.layers) - 1
    chosen = last if layer is None else layer
    if not 0 <= start <= chosen <= last:
        raise UnknownLayer(
            f"start={start}, layer={chosen}: {capture.card.id} has layers 0..{last}, and start is no later than layer"
        )
    causal = capture.layers[0].config.causal
    return How(start, chosen, residual, causal if receptive is None else receptive)


def steps_of(capture: Capture, asked: How, queries: Sequence[int] = ()) -> int:
    """How often a rollout, or the flow to these tokens, asks whether to go on."""
    return blocks.steps(capture, asked.layer - asked.start + 1) + len(queries) * len(capture.tokens)


def check_size(capture: Capture, most: int, what: str) -> None:
    """Raises TooManyTokens."""
    if len(capture.tokens) > most:
        raise TooManyTokens(
            f"{len(capture.tokens):,} tokens: {what} is worked out for at most {most:,}, so shorten the text"
        )


@torch.inference_mode()
def rollout(capture: Capture, asked: How, progress: Progress = NO_PROGRESS) -> np.ndarray:
    """[i j], how much of each input token reaches token i above the layer. Raises TooManyTokens."""
    check_size(capture, MOST_OF_ROLLOUT, "rollout")
    rolled: Tensor | None = None
    for a in steps(capture, asked, progress):
        rolled = next_rollout(a, rolled)
    assert rolled is not None
    return rolled.cpu().numpy()


def steps(capture: Capture, asked: How, progress: Progress) -> Iterator[Tensor]:
    """A~ [i j] of each layer from the first that counts to the last."""
    for layer in capture.layers[asked.start : asked.layer + 1]:
        yield step(mean_of_heads(capture, layer, progress), asked.residual, asked.receptive)


def mean_of_heads(capture: Capture, layer: LayerCapture, progress: Progress) -> Tensor:
    """[i j]."""
    size = len(capture.tokens)
    mean = torch.zeros(size, size, device=layer.q.device)
    for block in of_layer(layer, text_for(capture), progress):
        mean[block.rows.start : block.rows.stop, : block.weights.shape[-1]] = block.weights.mean(0)
    return mean


@torch.inference_mode()
def flow(capture: Capture, asked: How, queries: Sequence[int], progress: Progress = NO_PROGRESS) -> np.ndarray:
    """[query j], the largest flow from each of these tokens above the layer to each input. Raises TooManyTokens."""
    from .formulas.flow import flow_from, graph

    check_size(capture, MOST_OF_FLOW, "flow")
    size = len(capture.tokens)
    capacities = graph([a.cpu().numpy() for a in steps(capture, asked, progress)])
    found = np.zeros((len(queries), size))
    for number, query in enumerate(queries):
        for key in range(size):
            progress.check()
            found[number, key] = flow_from(capacities, size, query, key)
            progress.step()
    return found
