"""Run a model once and keep, per layer, what its maps are made of: queries, keys and the row log-sum-exp.

Axis letters: h query head, g key/value head, i query row, j key column, d width of a head.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import torch
from torch import Tensor

from ..attention.hooks import watching
from ..attention.terms import Terms
from ..errors import ModelOutputInvalid
from ..models.interface.layout import AttentionLayer
from ..models.loading import LoadedModel
from ..records import NO_PROGRESS, Keep, ModelCard, Progress, Prompt, Token, TokenizedPrompt
from .cost import numbers_kept
from .extras import Extras
from .layer import LayerCapture, exact_dtype
from .memory import MemoryBlock

# At 1e9, neighbouring float32 numbers are 64 apart: a softmax of such scores means nothing.
LARGEST_SCORE = 1e9


@dataclass(frozen=True)
class Capture:
    """One text through one model. Immutable: the same model and text always give the same id.

    layers:  those that have attention, in order
    dropped: tokens that `truncate` cut off the text
    texts:   the text and its pair, which the offsets of the tokens refer to
    """

    id: str
    card: ModelCard
    tokens: tuple[Token, ...]
    layers: tuple[LayerCapture, ...]
    truncate: bool = False
    dropped: int = 0
    texts: tuple[str, str] = ("", "")

    @cached_property
    def bytes(self) -> int:
        squares = {x.data_ptr(): x.nbytes for layer in self.layers for x in layer.terms.squares}  # some are shared
        return sum(layer.bytes for layer in self.layers) + sum(squares.values())

    @property
    def heads(self) -> int:
        """The largest number of heads of a layer."""
        return max(layer.heads for layer in self.layers)

    def of_layer(self, number: int) -> LayerCapture:
        """The layer that has this number in the model."""
        return next(layer for layer in self.layers if layer.index == number)

    def in_grid(self, values: Sequence[Tensor], head_axis: int = 0) -> Tensor:
        """Values [... h ...] of each captured layer -> [... l h ...], for all layers of the model.

        NaN where a layer has no attention, or fewer heads than another.
        """
        first = values[0]
        before, after = first.shape[:head_axis], first.shape[head_axis + 1 :]
        grid = first.new_full((*before, len(self.card.stacks[0].layers), self.heads, *after), torch.nan)
        for layer, of_layer in zip(self.layers, values, strict=True):
            grid.select(head_axis, layer.index).narrow(head_axis, 0, layer.heads).copy_(of_layer)
        return grid


def capture_id(card: ModelCard, prompt: Prompt, keep: Keep = "float32") -> str:
    """The same for the same model, revision, text and options, on every server."""
    options = [*(["truncate"] if prompt.truncate else []), *(each for each in (keep, card.dtype) if each != "float32")]
    described = json.dumps([card.id, card.revision, prompt.text, prompt.text_pair, *options])
    return hashlib.sha256(described.encode()).hexdigest()[:32]


def tokenize_prompt(model: LoadedModel, prompt: Prompt, max_tokens: int | None = None) -> TokenizedPrompt:
    """Raises TooManyTokens, PairNotSupported, EmptyText."""
    tokens, dropped = model.tokens(prompt.text, prompt.text_pair, max_tokens, truncate=prompt.truncate)
    return TokenizedPrompt(prompt, tokens, dropped)


def run(
    model: LoadedModel,
    prompt: Prompt | str,
    max_tokens: int | None = None,
    keep: Keep = "float32",
    extras: Extras | None = None,
) -> Capture:
    """Tokenize a prompt and run it. Raises what `tokenize_prompt` and `run_prompt` raise."""
    prompt = Prompt(prompt) if isinstance(prompt, str) else prompt
    tokenized, name = tokenize_prompt(model, prompt, max_tokens), capture_id(model.card, prompt, keep)
    return run_prompt(model, tokenized, name, keep, extras=extras)


def run_prompt(
    model: LoadedModel,
    tokenized: TokenizedPrompt,
    capture_id: str,
    keep: Keep = "float32",
    progress: Progress = NO_PROGRESS,
    on_layer: Callable[[LayerCapture], object] = lambda _: None,
    held: object = None,
    extras: Extras | None = None,
) -> Capture:
    """One forward pass on the fused path; no map is ever held. Raises ModelOutputInvalid.

    `on_layer` receives each layer as soon as it is captured, in order. Each layer refers to `held`. `extras` gets what
    else it asks for.
    """
    progress.expect(len(model.adopted.attention))
    layers = run_tokens(model, tokenized.tokens, keep, progress, on_layer, held, extras)
    prompt, texts = tokenized.prompt, (tokenized.prompt.text, tokenized.prompt.text_pair or "")
    return Capture(capture_id, model.card, tokenized.tokens, layers, prompt.truncate, tokenized.dropped, texts)


@torch.inference_mode()
def run_tokens(
    model: LoadedModel,
    tokens: tuple[Token, ...],
    keep: Keep = "float32",
    progress: Progress = NO_PROGRESS,
    on_layer: Callable[[LayerCapture], object] = lambda _: None,
    held: object = None,
    extras: Extras | None = None,
) -> tuple[LayerCapture, ...]:
    """The captured layers of one forward pass over these tokens. Raises ModelOutputInvalid."""
    memory = memory_for(model, len(tokens), keep)
    layers: list[LayerCapture] = []

    def add(layer: LayerCapture) -> None:
        layers.append(replace(layer, held=held))
        on_layer(layers[-1])

    extras = extras or Extras(())
    with extras.watching(model):
        passing = partial(forward, model, tokens)
        extras.ended(pass_layers(model, passing, lambda part, x: memory[part].keep(x), add, progress))
    return tuple(layers)


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


def memory_for(model: LoadedModel, tokens: int, keep: Keep) -> dict[str, MemoryBlock]:
    """Memory for q and k, and for the numbers of each row, which are float32 or wider.

    `cost.bytes_kept` says how much.
    """
    own = model.adopted.model.dtype
    kept = torch.float16 if keep == "float16" and own.itemsize > torch.float16.itemsize else own
    exact = torch.promote_types(own, torch.float32)
    vectors, rows = numbers_kept(model.card, tokens)
    if kept == exact:  # one block of memory for all
        return dict.fromkeys(("q", "k", "lse"), MemoryBlock(vectors + rows, exact, model.device))
    both = MemoryBlock(vectors, kept, model.device)
    return {"q": both, "k": both, "lse": MemoryBlock(rows, exact, model.device)}


def next_layer(expected: Iterator[AttentionLayer], name: str, model_id: str) -> AttentionLayer:
    """The layer that the core of this hook point is expected to be. Raises ModelOutputInvalid if it is another."""
    layer, core = next(expected, None), name.rpartition(".")[0]
    if layer is None or layer.core != core:
        found = "none" if layer is None else layer.core
        raise ModelOutputInvalid(
            f"{model_id} runs other attention layers for this text than when it was loaded: {core}, expected {found}"
        )
    return layer


def forward(model: LoadedModel, tokens: tuple[Token, ...]) -> Tensor:
    """Last hidden state [1 i m] of the base model."""
    ids = torch.tensor([[token.id for token in tokens]], device=model.device)
    if not model.card.pairs:
        return model.adopted.run(ids)
    segments = torch.tensor([[token.segment for token in tokens]], device=model.device)
    return model.adopted.run(ids, token_type_ids=segments)


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
