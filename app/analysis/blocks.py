"""The weights of a capture in blocks: some rows of all heads of a layer at a time, so that memory is bounded."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from ..capture.capture import Capture
from ..capture.layer import LayerCapture
from ..errors import NotForStack
from ..records import NO_PROGRESS, Progress
from .formulas.block import Block, Texts, text_of

# Weights in a block: 8 MB, and a few times as much memory while an analysis runs on it.
WEIGHTS_PER_BLOCK = 2**21


def texts_for(capture: Capture) -> Texts:
    """The properties of the tokens of the stack that is looked at; they are the same for all its layers."""
    layer = capture.layers[0]
    keys = text_of(capture.keys, layer.causal, layer.q.device)
    queries = text_of(capture.queries, layer.causal, layer.q.device) if capture.stack.is_cross else keys
    return Texts(queries, keys)


def check_within(capture: Capture, what: str) -> None:
    """Raises NotForStack for attention from one text to another."""
    if capture.stack.is_cross:
        names = " or ".join(each.name for each in capture.card.stacks if not each.is_cross)
        raise NotForStack(f"{what} are defined for attention within one text, not between two: choose stack={names}")


def steps(capture: Capture, layers: Sequence[LayerCapture] | None = None) -> int:
    """The number of blocks in these layers, or in all."""
    queries, keys = len(capture.queries), len(capture.keys)
    return sum(-(-queries // height_of(layer.heads, keys)) for layer in (capture.layers if layers is None else layers))


def height_of(heads: int, keys: int) -> int:
    """The number of rows in a block."""
    return max(1, WEIGHTS_PER_BLOCK // (heads * keys))


def of_layer(layer: LayerCapture, texts: Texts, progress: Progress = NO_PROGRESS) -> Iterator[Block]:
    """The blocks of a layer, from the first query to the last. Later keys than a block can see are left out."""
    queries, heads = len(texts.queries.ids), range(layer.heads)
    height = height_of(len(heads), len(texts.keys.ids))
    for start in range(0, queries, height):
        progress.check()
        rows = range(start, min(start + height, queries))
        columns = layer.visible(rows)
        yield Block(layer.block(heads, rows, columns), rows, texts.keys, texts.queries, layer.allowed(rows, columns))
        progress.step()


class Sums(Protocol):
    """Sums over the blocks of one layer."""

    def add(self, block: Block) -> None: ...


def add_blocks(capture: Capture, *sums: Sequence[Sums], progress: Progress = NO_PROGRESS) -> None:
    """Add each block of each layer to the sums of its layer. The weights are computed once, for all sums together."""
    texts = texts_for(capture)
    for layer, *layer_sums in zip(capture.layers, *sums, strict=True):
        for block in of_layer(layer, texts, progress):
            for each in layer_sums:
                each.add(block)
