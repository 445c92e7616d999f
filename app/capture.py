"""Run a model once and keep, per layer, what its maps are made of: queries, keys and the row log-sum-exp.

Axis letters: h query head, g key/value head, i query row, j key column, d width of a head.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .arena import Arena
from .attention.config import AttentionConfig
from .attention.hooks import watching
from .attention.kernels import dot, tile
from .attention.masks import MayAttend
from .errors import ModelOutputInvalid
from .models.loading import LoadedModel
from .records import ModelCard, Quantity, Token


@dataclass(frozen=True)
class LayerCapture:
    """One layer: q [h i d], k [g j d], lse [h i]; enough to work out any cell of any head exactly."""

    q: Tensor
    k: Tensor
    lse: Tensor
    config: AttentionConfig

    @property
    def bytes(self) -> int:
        return sum(x.numel() * x.element_size() for x in (self.q, self.k, self.lse))

    def block(self, heads: range, rows: range, columns: range, quantity: Quantity = "pattern") -> Tensor:
        """[heads rows columns] of the pattern, or of the scores (q . k * scale, before mask and softmax)."""
        group = self.config.heads // self.config.kv_heads
        # One head at a time reads its own key head; several at once are asked for all together.
        groups = range(heads.start // group, (heads.stop - 1) // group + 1)
        q, k = self.q[None, heads.start : heads.stop], self.k[None, groups.start : groups.stop]
        if quantity == "scores":
            q, k = q[:, :, rows.start : rows.stop], k[:, :, columns.start : columns.stop]
            return dot(q, k, self.config.scale)[0]
        rule = MayAttend(q.shape[2], k.shape[2], self.config.causal, self.config.window)
        lse = self.lse[None, heads.start : heads.stop]
        return tile(q, k, lse, rows, columns, may_attend=rule, scale=self.config.scale)[0]


@dataclass(frozen=True)
class Capture:
    """One text through one model. Immutable: the same model and text always give the same id.

    dropped: tokens that `truncate` cut off the text
    """

    id: str
    card: ModelCard
    tokens: tuple[Token, ...]
    layers: tuple[LayerCapture, ...]
    truncate: bool = False
    dropped: int = 0

    @cached_property
    def bytes(self) -> int:
        return sum(layer.bytes for layer in self.layers)

    @property
    def heads(self) -> int:
        return self.layers[0].config.heads


def capture_id(card: ModelCard, text: str, text_pair: str | None, truncate: bool = False) -> str:
    """The same for the same model, revision, text and options, on every server."""
    said = json.dumps([card.id, card.revision, text, text_pair, *(["truncate"] if truncate else [])])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


@torch.inference_mode()
def run(
    model: LoadedModel, text: str, text_pair: str | None = None, most: int | None = None, truncate: bool = False
) -> Capture:
    """One pass on the fused path; no map is ever held. Raises TooManyTokens, ModelOutputInvalid."""
    tokens, dropped = model.tokens(text, text_pair, most, truncate=truncate)
    layers = run_tokens(model, tokens)
    check_finite(layers, model.card.id)
    made_of = capture_id(model.card, text, text_pair, truncate)
    return Capture(made_of, model.card, tokens, layers, truncate, dropped)


def run_tokens(model: LoadedModel, tokens: tuple[Token, ...]) -> tuple[LayerCapture, ...]:
    """What each layer's maps are made of, from one pass over these tokens."""
    kept: dict[str, list[Tensor]] = {"q": [], "k": [], "lse": []}
    values = sum(values_kept(layer.config, len(tokens)) for layer in model.adopted.layers)
    arena = Arena(values, model.adopted.model.dtype, model.device)

    def keep(name: str, x: Tensor) -> None:
        kept[name.rpartition(".")[2]].append(arena.keep(x[0]))

    with watching(model.adopted.model, kept, keep):
        forward(model, tokens)
    parts = zip(kept["q"], kept["k"], kept["lse"], model.adopted.layers, strict=True)
    return tuple(LayerCapture(q, k, lse, layer.config) for q, k, lse, layer in parts)


def values_kept(config: AttentionConfig, tokens: int) -> int:
    """How many numbers q, k and the log-sum-exp of one layer are."""
    return tokens * (config.head_dim * (config.heads + config.kv_heads) + config.heads)


def forward(model: LoadedModel, tokens: tuple[Token, ...]) -> Tensor:
    """Last hidden state [1 i m] of the base model: a vocabulary of logits per token would be waste."""
    inputs = {"input_ids": torch.tensor([[token.id for token in tokens]], device=model.device)}
    if model.adapter.pairs:
        inputs["token_type_ids"] = torch.tensor([[token.segment for token in tokens]], device=model.device)
    hidden: Tensor = model.adopted.model.base_model(**inputs).last_hidden_state
    return hidden


def check_finite(layers: tuple[LayerCapture, ...], model_id: str) -> None:
    """Raises ModelOutputInvalid where weights or activations overflowed.

    The log-sum-exp alone would not tell: the flash kernel lets a row of NaN pass with a finite one.
    """
    parts = [x for layer in layers for x in (layer.q, layer.k, layer.lse)]
    # A sum of finite numbers is finite, and one that is not infects it: a hundredth of the time of asking each.
    if torch.stack([x.sum() for x in parts]).isfinite().all():
        return
    for number, layer in enumerate(layers):
        group = layer.config.heads // layer.config.kv_heads
        for x, heads_each in ((layer.q, 1), (layer.k, group), (layer.lse, 1)):
            for head in (~x.flatten(1).isfinite()).any(-1).nonzero().flatten().tolist():
                where = f"layer {number}, head {head * heads_each} of {model_id}"
                raise ModelOutputInvalid(f"{where} gave NaN or infinite numbers")
