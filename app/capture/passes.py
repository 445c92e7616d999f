"""One forward pass of a model, of which each attention layer is taken as soon as it has run.

Axis letters: h query head, g key/value head, i query row, d width of a head, m width of the model.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ..attention.hooks import watching
from ..attention.terms import Terms
from ..errors import ModelOutputInvalid
from ..models.interface.layout import AttentionLayer
from ..models.loading import LoadedModel
from ..records import NO_PROGRESS, Progress, Token
from .layer import LayerCapture, exact_dtype

# At 1e9, neighbouring float32 numbers are 64 apart: a softmax of such scores means nothing.
LARGEST_SCORE = 1e9


@torch.inference_mode()
def pass_layers(
    model: LoadedModel,
    run: Callable[[], Tensor],
    keep: Callable[[str, Tensor], Tensor],
    on_layer: Callable[[LayerCapture], object],
    progress: Progress = NO_PROGRESS,
) -> Tensor:
    """The last hidden state of one forward pass, which `run` makes.

    `on_layer` receives each layer, in order, and nothing else refers to it. `keep` copies "q" [h i d], "k" [g j d] and
    "lse" [h i]. Raises ModelOutputInvalid.
    """
    expected = iter(model.adopted.attention)
    terms: list[Terms] = []
    kept: dict[str, Tensor] = {}

    def take(name: str, x: Tensor | Terms) -> None:
        part = name.rpartition(".")[2]
        if isinstance(x, Terms):
            progress.check()
            terms.append(x)
            return
        kept[part] = keep(part, x[0])
        if part == "lse":  # the last of its layer
            of = next_layer(expected, name, model.card.id)
            exact_lse = torch.full_like(kept["lse"], torch.nan, dtype=exact_dtype(model.device))
            layer = LayerCapture(**kept, exact_lse=exact_lse, terms=terms.pop(), index=of.index, stack=of.stack)
            kept.clear()
            check_finite(layer, model.card.id)
            on_layer(layer)
            progress.step()

    with watching(model.adopted.model, ("terms", "q", "k", "lse"), take):
        hidden = run()
    if not hidden.sum().isfinite() and not hidden.isfinite().all():  # the sum alone can overflow
        raise ModelOutputInvalid(f"{model.card.id} gave NaN or infinite numbers after its last attention layer")
    return hidden


def next_layer(expected: Iterator[AttentionLayer], name: str, model_id: str) -> AttentionLayer:
    """The layer that the core of this hook point is expected to be. Raises ModelOutputInvalid if it is another."""
    layer, core = next(expected, None), name.rpartition(".")[0]
    if layer is None or layer.core != core:
        found = "none" if layer is None else layer.core
        raise ModelOutputInvalid(
            f"{model_id} runs other attention layers for this text than when it was loaded: {core}, expected {found}"
        )
    return layer


def forward(model: LoadedModel, tokens: Sequence[Token], target: Sequence[Token] = ()) -> Tensor:
    """Last hidden state [1 i m] of the base model; of its decoder, if there is a target."""
    ids = ids_of(model, tokens)
    read = ids_of(model, target) if target else None
    if not model.card.pairs:
        return model.adopted.run(ids, read)
    segments = torch.tensor([[token.segment for token in tokens]], device=model.device)
    return model.adopted.run(ids, read, token_type_ids=segments)


def ids_of(model: LoadedModel, tokens: Sequence[Token]) -> Tensor:
    """[1 i]"""
    return torch.tensor([[token.id for token in tokens]], device=model.device)


def check_finite(layer: LayerCapture, model_id: str) -> None:
    """Raises ModelOutputInvalid if weights or activations overflowed, or scores are too large to tell apart.

    The log-sum-exp alone does not show it: the flash kernel returns a finite one for rows of NaN or minus infinity.
    """
    # |q_i . k_j| <= |q| |k|. One norm takes a hundredth of the time of checking each number, and is NaN or infinite if
    # any of them is.
    q, k = (torch.linalg.vector_norm(x, dtype=layer.lse.dtype) for x in (layer.q, layer.k))
    if layer.lse.sum().isfinite() and q * k * layer.terms.scale <= LARGEST_SCORE:
        return
    way_out = "" if layer.q.dtype != torch.float16 else " as float16: HEADSCOPE_CAPTURE_DTYPE=float32 holds larger ones"
    group = layer.heads // layer.kv_heads
    for x, heads_each in ((layer.q, 1), (layer.k, group), (layer.lse, 1)):
        for head in (~x.flatten(1).isfinite()).any(-1).nonzero().flatten().tolist():
            where = f"layer {layer.index}, head {head * heads_each} of {model_id}"
            raise ModelOutputInvalid(f"{where} gave NaN or infinite numbers{way_out}")
    largest = [torch.linalg.vector_norm(x, dim=-1, dtype=torch.float64).amax(-1) for x in (layer.q, layer.k)]
    scores = largest[0] * largest[1].repeat_interleave(group) * layer.terms.scale
    for head in (scores > LARGEST_SCORE).nonzero().flatten().tolist():
        where = f"layer {layer.index}, head {head} of {model_id}"
        raise ModelOutputInvalid(f"{where} has scores of up to {scores[head]:.1e}: float32 cannot tell them apart")
