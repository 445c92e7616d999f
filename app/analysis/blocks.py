"""The weights of a capture in blocks: some rows of all heads of a layer at a time, so that memory is bounded."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from ..capture.capture import Capture
from ..capture.layer import LayerCapture
from ..records import NO_PROGRESS, Progress
from .formulas.block import Block, Text, text_of

# Weights in a block: 8 MB, and a few times as much memory while an analysis runs on it.
WEIGHTS_PER_BLOCK = 2**21


def text_for(capture: Capture) -> Text:
    """The properties of the tokens; they are the same for all layers."""
    layer = capture.layers[0]
    return text_of(capture.tokens, layer.causal, layer.q.device)


def steps(capture: Capture, layers: Sequence[LayerCapture] | None = None) -> int:
    """The number of blocks in these layers, or in all."""
    size = len(capture.tokens)
    return sum(-(-size // height_of(layer.heads, size)) for layer in (capture.layers if layers is None else layers))


def height_of(heads: int, size: int) -> int:
    """The number of rows in a block."""
    return max(1, WEIGHTS_PER_BLOCK // (heads * size))


def of_layer(layer: LayerCapture, text: Text, progress: Progress = NO_PROGRESS) -> Iterator[Block]:
    """The blocks of a layer, from the first query to the last. Later keys than a block can see are left out."""
    size, heads = len(text.ids), range(layer.heads)
    height = height_of(len(heads), size)
    for start in range(0, size, height):
        progress.check()
        rows = range(start, min(start + height, size))
        yield Block(layer.block(heads, rows, layer.visible(rows)), rows, text)
        progress.step()


class Sums(Protocol):
    """Sums over the blocks of one layer."""

    def add(self, block: Block) -> None: ...


def add_blocks(capture: Capture, *sums: Sequence[Sums], progress: Progress = NO_PROGRESS) -> None:
    """Add each block of each layer to the sums of its layer. The weights are computed once, for all sums together."""
    text = text_for(capture)
    for layer, *layer_sums in zip(capture.layers, *sums, strict=True):
        for block in of_layer(layer, text, progress):
            for each in layer_sums:
                each.add(block)
