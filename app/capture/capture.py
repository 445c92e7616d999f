"""Run a model once and keep, per layer, what its maps are made of: queries, keys and the row log-sum-exp.

Axis letters: h query head, g key/value head, i query row, j key column, d width of a head.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from ..models.loading import LoadedModel
from ..models.targets import MOST_WRITTEN, target_of
from ..models.writing import written
from ..records import (
    NO_PROGRESS,
    Keep,
    ModelCard,
    Progress,
    Prompt,
    Side,
    StackCard,
    Target,
    Token,
    TokenizedPrompt,
)
from .cost import numbers_kept
from .extras import Extras
from .layer import LayerCapture
from .memory import MemoryBlock
from .passes import forward, pass_layers


@dataclass(frozen=True)
class Capture:
    """One text through one model, seen at one stack. Immutable: the same model and text always give the same id.

    A model with a decoder has three stacks (`of_stack`); other models have one.

    all_layers: those that have attention, in the order in which they run
    dropped:    tokens that `truncate` cut off the text
    texts:      the text and its pair, which the offsets of the tokens refer to
    target:     of a model with a decoder
    shown:      the name of the stack; None for the first one
    whole:      what this is a view of. It counts as read for as long as the view exists.
    """

    id: str
    card: ModelCard
    tokens: tuple[Token, ...]
    all_layers: tuple[LayerCapture, ...]
    truncate: bool = False
    dropped: int = 0
    texts: tuple[str, str] = ("", "")
    target: Target | None = None
    shown: str | None = None
    whole: "Capture | None" = field(default=None, repr=False, compare=False)

    @cached_property
    def bytes(self) -> int:
        tensors = [x for layer in self.all_layers for x in (*layer.terms.squares, *layer.terms.tables)]
        shared = {x.data_ptr(): x.nbytes for x in tensors}
        return sum(layer.bytes for layer in self.all_layers) + sum(shared.values())

    def of_stack(self, name: str | None) -> "Capture":
        """The same capture, seen at this stack; None is the first. Raises UnknownStack."""
        return replace(self, shown=self.card.stack(name).name, whole=self)

    @cached_property
    def stack(self) -> StackCard:
        return self.card.stack(self.shown)

    @cached_property
    def layers(self) -> tuple[LayerCapture, ...]:
        """Those of the stack, in order."""
        return tuple(layer for layer in self.all_layers if layer.stack == self.stack.name)

    @property
    def queries(self) -> tuple[Token, ...]:
        """The tokens of the rows of each map."""
        return self.tokens_of(self.stack.queries)

    @property
    def keys(self) -> tuple[Token, ...]:
        """The tokens of the columns of each map."""
        return self.tokens_of(self.stack.keys)

    def tokens_of(self, side: Side) -> tuple[Token, ...]:
        """The text or the target, which is empty for a model without a decoder."""
        if side == "source":
            return self.tokens
        return self.target.tokens if self.target else ()

    def texts_of(self, side: Side) -> tuple[str, str]:
        """What the offsets of these tokens refer to."""
        if side == "source":
            return self.texts
        return (self.target.text if self.target else "", "")

    def check_head(self, layer: int, head: int) -> None:
        """Raises UnknownLayer, UnknownHead, NoAttention."""
        self.stack.check_head(layer, head, self.card.id)

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
        grid = first.new_full((*before, len(self.stack.layers), self.heads, *after), torch.nan)
        for layer, of_layer in zip(self.layers, values, strict=True):
            grid.select(head_axis, layer.index).narrow(head_axis, 0, layer.heads).copy_(of_layer)
        return grid


def capture_id(card: ModelCard, prompt: Prompt, keep: Keep = "float32", most_written: int = MOST_WRITTEN) -> str:
    """The same for the same model, revision, text and options, on every server.

    most_written: tokens, if the model writes the target
    """
    options: list[Any] = ["truncate"] if prompt.truncate else []
    options += [each for each in (keep, card.dtype) if each != "float32"]
    if card.has_decoder:
        options.append({"target": prompt.target} if prompt.target is not None else {"written": most_written})
    described = json.dumps([card.id, card.revision, prompt.text, prompt.text_pair, *options])
    return hashlib.sha256(described.encode()).hexdigest()[:32]


def tokenize_prompt(
    model: LoadedModel, prompt: Prompt, max_tokens: int | None = None, most_written: int = MOST_WRITTEN
) -> TokenizedPrompt:
    """Raises TooManyTokens, PairNotSupported, EmptyText, TargetNotSupported."""
    tokens, dropped = model.tokens(prompt.text, prompt.text_pair, max_tokens, truncate=prompt.truncate)
    target, to_write = target_of(model, prompt.target, max_tokens, most_written)
    return TokenizedPrompt(prompt, tokens, dropped, target, to_write)


def run(
    model: LoadedModel,
    prompt: Prompt | str,
    max_tokens: int | None = None,
    keep: Keep = "float32",
    most_written: int = MOST_WRITTEN,
    extras: Extras | None = None,
) -> Capture:
    """Tokenize a prompt and run it. Raises what `tokenize_prompt` and `run_prompt` raise."""
    prompt = Prompt(prompt) if isinstance(prompt, str) else prompt
    tokenized = written(model, tokenize_prompt(model, prompt, max_tokens, most_written))
    name = capture_id(model.card, prompt, keep, most_written)
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
    else it asks for. A target that is to be written has to be written before (`models.writing`); without that, it is
    its start token.
    """
    progress.expect(len(model.adopted.attention))
    tokens, target, prompt = tokenized.tokens, tokenized.target, tokenized.prompt
    read = target.tokens if target else ()
    layers = run_tokens(model, tokens, keep, progress, on_layer, held, extras, read)
    texts = prompt.text, prompt.text_pair or ""
    return Capture(capture_id, model.card, tokens, layers, prompt.truncate, tokenized.dropped, texts, target)


@torch.inference_mode()
def run_tokens(
    model: LoadedModel,
    tokens: tuple[Token, ...],
    keep: Keep = "float32",
    progress: Progress = NO_PROGRESS,
    on_layer: Callable[[LayerCapture], object] = lambda _: None,
    held: object = None,
    extras: Extras | None = None,
    target: tuple[Token, ...] = (),
) -> tuple[LayerCapture, ...]:
    """The captured layers of one forward pass over these tokens. Raises ModelOutputInvalid.

    target: of a model with a decoder; if it is empty, the encoder runs alone
    """
    if model.card.has_decoder and not target:
        model = model.encoder_alone()
    memory = memory_for(model, len(tokens), keep, len(target))
    layers: list[LayerCapture] = []

    def add(layer: LayerCapture) -> None:
        layers.append(replace(layer, held=held))
        on_layer(layers[-1])

    extras = extras or Extras(())
    with extras.watching(model):
        passing = partial(forward, model, tokens, target)
        extras.ended(pass_layers(model, passing, lambda part, x: memory[part].keep(x), add, progress))
    return tuple(layers)


def memory_for(model: LoadedModel, tokens: int, keep: Keep, target: int = 0) -> dict[str, MemoryBlock]:
    """Memory for q and k, and for the numbers of each row, which are float32 or wider.

    `cost.bytes_kept` says how much.
    """
    own = model.adopted.model.dtype
    kept = torch.float16 if keep == "float16" and own.itemsize > torch.float16.itemsize else own
    exact = torch.promote_types(own, torch.float32)
    vectors, rows = numbers_kept(model.card, tokens, target)
    if kept == exact:  # one block of memory for all
        return dict.fromkeys(("q", "k", "lse"), MemoryBlock(vectors + rows, exact, model.device))
    both = MemoryBlock(vectors, kept, model.device)
    return {"q": both, "k": both, "lse": MemoryBlock(rows, exact, model.device)}
