"""A Hugging Face model whose attention is computed by our core, and the attention layers that it has."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from inspect import signature
from typing import Any

from torch import Tensor, nn
from transformers import PreTrainedModel

from ..attention.layer import MultiHeadAttention
from ..errors import UnsupportedModel
from ..records import LayerCard, Side, StackCard
from .interface.layout import AttentionLayer, without_attention
from .interface.reference import OnPattern, patterns_to
from .interface.watched import patterns_of

SIDES: dict[str, tuple[Side, Side]] = {
    "self": ("source", "source"),
    "encoder": ("source", "source"),
    "decoder": ("target", "target"),
    "cross": ("target", "source"),
}


@dataclass(frozen=True)
class Replacement:
    """An attribute of a module, a module or its forward method: what it was, and what replaces it."""

    parent: nn.Module
    name: str
    original: Any
    ours: Any


@dataclass(frozen=True)
class Adopted:
    """A Hugging Face model whose attention is computed by our core.

    replacements: the modules that ours replace, which are kept and share the weights
    attention:    the calls of attention in a forward pass, in order
    watched:      modules that compute attention themselves, and are followed in it
    work_bytes:   of the largest tensor that it makes for all pairs of a query and a key, for each pair
    encoder:      the part that runs, of an encoder-decoder model whose encoder alone is shown
    """

    model: PreTrainedModel
    replacements: tuple[Replacement, ...] = ()
    attention: tuple[AttentionLayer, ...] = ()
    watched: tuple[nn.Module, ...] = ()
    encoder: nn.Module | None = None
    work_bytes: float = 0.0

    @property
    def layers(self) -> tuple[MultiHeadAttention, ...]:
        """Our own layers, with projections, in the order of their calls; empty for a family without a table."""
        owners = (self.model.get_submodule(each.core.rpartition(".")[0]) for each in self.attention)
        return tuple(owner for owner in owners if isinstance(owner, MultiHeadAttention))

    @property
    def reads_target(self) -> bool:
        """The model runs with a second text, that of the decoder."""
        return bool(self.model.config.is_encoder_decoder) and self.encoder is None

    @contextmanager
    def as_hugging_face(self) -> Iterator[PreTrainedModel]:
        """Within the `with`, the model has its original modules and eager attention; afterwards, ours again."""
        # Each part of a model has its own: some parts of it may know only eager attention.
        parts = [part for part in self.model.modules() if isinstance(part, PreTrainedModel)]
        before = [(part, part.config._attn_implementation) for part in parts]
        try:
            for replaced in self.replacements:
                setattr(replaced.parent, replaced.name, replaced.original)
            self.model.set_attn_implementation("eager")
            yield self.model
        finally:
            for part, name in before:
                part.set_attn_implementation(name)
            for replaced in self.replacements:
                setattr(replaced.parent, replaced.name, replaced.ours)

    @contextmanager
    def eager_patterns(self, take: OnPattern) -> Iterator[None]:
        """Within the `with`, the model runs eager attention, and `take` gets each pattern [b h i j], in order."""
        with ExitStack() as stack:
            stack.enter_context(self.as_hugging_face())
            stack.enter_context(patterns_of(self.watched, take) if self.watched else patterns_to(take))
            yield

    def run(self, ids: Tensor, target: Tensor | None = None, **inputs: Tensor) -> Tensor:
        """Token ids [b i], of an encoder-decoder model also those of the target -> last hidden state [b i m].

        Of the base model: a vocabulary of logits for each token would be waste.
        """
        if target is not None:
            inputs["decoder_input_ids"] = target
        reader = self.encoder or self.model.base_model
        if "bbox" in signature(reader.forward).parameters:
            inputs["bbox"] = ids.new_zeros(*ids.shape, 4)  # places on a page; a text without a page has none
        with hidden_states_of(reader) as before_logits:
            hidden: Tensor = reader(input_ids=ids, **inputs)[0]
        return before_logits[0] if before_logits else hidden

    def encoder_alone(self) -> "Adopted":
        """The encoder of an encoder-decoder model, which reads one text. Raises UnsupportedModel if none is known."""
        attention = tuple(layer for layer in self.attention if layer.stack == "encoder")
        if not attention:
            raise UnsupportedModel(
                f"the encoder of a {self.model.config.model_type} has no attention that can be shown"
            )
        return replace(self, attention=attention, encoder=self.model.base_model.get_encoder())

    @property
    def vocabulary(self) -> int:
        """The number of token ids that the model has embeddings for."""
        embeddings: Any = self.model.get_input_embeddings()
        return int(embeddings.weight.shape[0])

    def stacks(self) -> tuple[StackCard, ...]:
        """The description of the layers, in the order in which the stacks begin."""
        names = dict.fromkeys(layer.stack for layer in self.attention)
        return tuple(self.stack([layer for layer in self.attention if layer.stack == name]) for name in names)

    def stack(self, layers: list[AttentionLayer]) -> StackCard:
        cards = [card_of(layer) for layer in layers]
        gaps = without_attention(self.model, layers)
        cards += [LayerCard(number, attention=False, why=why) for number, why in gaps.items()]
        causal = all(layer.causal for layer in layers)
        ordered = tuple(sorted(cards, key=lambda card: card.index))
        return StackCard(layers[0].stack, ordered, causal, *SIDES[layers[0].stack])


@contextmanager
def hidden_states_of(reader: nn.Module) -> Iterator[list[Tensor]]:
    """Within the `with`, the list gets the last hidden state, from which logits are computed for the last token only.

    It stays empty for a base model, which computes none. T5 has no base model beside that with the head.
    """
    found: list[Tensor] = []
    head = reader.get_output_embeddings() if isinstance(reader, PreTrainedModel) else None
    if not isinstance(head, nn.Linear):  # FSMT has embeddings there, which it uses twice
        yield found
        return

    def take(_: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
        found.append(given[0])
        return (given[0][:, -1:],)

    handle = head.register_forward_pre_hook(take)
    try:
        yield found
    finally:
        handle.remove()


def card_of(layer: AttentionLayer) -> LayerCard:
    sizes = layer.index, layer.heads, layer.kv_heads, layer.head_dim, layer.pair_bytes
    return LayerCard(*sizes, bias=layer.bias, table_bytes=layer.table_bytes)
