"""The effect of each key on each query: norms of weighted values (Kobayashi et al. 2020).

A capture does not contain values. For norms, the model runs over the tokens once more, and the inner products that all
norms need are kept for each layer. Axis letters: h, e head, j key.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..attention.hooks import watching
from ..attention.kernels import at_least_float32
from ..capture.capture import Capture
from ..capture.passes import forward
from ..capture.pooling import Window, pooled_blocks, visible_columns
from ..errors import ModelOutputInvalid, NoProjections
from ..models.loading import LoadedModel
from ..records import NO_PROGRESS, Pool, Progress
from .formulas import norms as formulas


@dataclass(frozen=True)
class Grams:
    """[j h e] of each layer of all stacks, see `formulas.norms.gram`. `held` accounts for their memory."""

    layers: tuple[Tensor, ...]
    held: object = field(default=None, repr=False, compare=False)

    @property
    def bytes(self) -> int:
        return sum(gram.nbytes for gram in self.layers)


def bytes_of_grams(capture: Capture) -> int:
    """The size of the inner products, before they are computed."""
    layers = capture.all_layers
    return sum(layer.heads**2 * layer.lse.element_size() * layer.k.shape[1] for layer in layers)


@torch.inference_mode()
def grams(model: LoadedModel, capture: Capture, progress: Progress = NO_PROGRESS, held: object = None) -> Grams:
    """The inner products of each layer, from one more forward pass. Raises NoProjections, ModelOutputInvalid."""
    layers = model.adopted.layers
    if not layers:
        raise NoProjections(
            f"norms need the output projection of each head, which is not known for a {model.card.family}: take "
            "quantity=pattern, or a model of the families with a table (see /docs/models)"
        )
    found: list[Tensor] = []
    progress.expect(len(layers))

    def take(_: str, v: Tensor) -> None:
        progress.check()
        layer = layers[len(found)]
        gram = formulas.gram(at_least_float32(v[0]), at_least_float32(layer.project_out.weight), layer.config.heads)
        if not gram.isfinite().all():
            number = model.adopted.attention[len(found)].index
            raise ModelOutputInvalid(f"layer {number} of {model.card.id} has values whose norms are infinite or NaN")
        found.append(gram)
        progress.step()

    with watching(model.adopted.model, "v", take):
        forward(model, capture.tokens, capture.tokens_of("target"))
    return Grams(tuple(found), held)


@torch.inference_mode()
def window_of_norms(
    capture: Capture,
    grams: Grams,
    layer: int,
    head: int | None,
    part: Window,
    pool: Pool = "max",
    progress: Progress = NO_PROGRESS,
) -> np.ndarray:
    """[query key], ||A_ij f_h(x_j)|| of one head; for head None, ||sum_h A^h_ij f_h(x_j)|| of the whole layer."""
    captured = capture.of_layer(layer)
    gram = next(gram for each, gram in zip(capture.all_layers, grams.layers, strict=True) if each is captured)
    heads = range(captured.heads) if head is None else range(head, head + 1)

    def read(rows: range) -> Tensor | None:
        columns = visible_columns(captured, rows, part.columns, "pattern")
        if not columns:
            return None
        pattern, of_keys = captured.block(heads, rows, columns), gram[columns.start : columns.stop]
        if head is None:
            return formulas.of_all_heads(pattern, of_keys)[None]
        return formulas.of_head(pattern, of_keys, head)

    norms = pooled_blocks(read, 1, len(heads), part, pool, captured.q.device, progress)
    return norms[0].clamp_(min=0).cpu().numpy()  # -inf where a query sees none of the keys
