"""Replace the attention of a Hugging Face model by our layer. A family of models is a table; this file applies it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn
from transformers import EncoderDecoderCache, PretrainedConfig, PreTrainedModel

from ..attention.bias import Bias
from ..attention.config import AttentionConfig
from ..attention.layer import MultiHeadAttention
from ..errors import ShapeMismatch, UnsupportedModel
from .adopted import Adopted, Replacement
from .adopting import adopted
from .file_names import CONFIG
from .interface.attention import rule_and_bias
from .stored import HeadByHead, Weights, layer_from

CACHES = ("past_key_values", "layer_past")  # names that attention modules have for a key/value cache


class AttentionWrapper(nn.Module):
    """Our layer with the signature of an attention module in a Hugging Face block, the one with this number."""

    def __init__(self, attention: MultiHeadAttention, number: int) -> None:
        super().__init__()
        self.attention, self.number = attention, number

    def forward(self, hidden_states: Tensor, *_: object, **options: Any) -> tuple[Any, ...]:
        """[b i m] -> [b i m], None. `options` are those of `attend`."""
        return self.attend(hidden_states, **options), None

    def attend(
        self,
        x: Tensor,
        *,
        attention_mask: Tensor | None = None,
        position_embeddings: tuple[Tensor, Tensor] | None = None,
        key_value_states: Tensor | None = None,
        bias: Bias | None = None,
        **options: Any,
    ) -> Tensor:
        """[b i m] -> [b i m].

        attention_mask:      as the interface of transformers passes it to our attention; None: what the config says
        position_embeddings: cos and sin of rotary angles, [b i r] or twice that width
        key_value_states:    [b j s], what cross-attention reads
        options:             of which a key/value cache of transformers is used; it gets the keys and values of x
        """
        if options.get("encoder_hidden_states") is not None:
            raise UnsupportedModel("cross-attention is not supported in this layer")
        rule = None
        if attention_mask is not None:
            rule = rule_and_bias(attention_mask, x.shape[1], attention_mask.shape[-1])[0]
        turns, rotary = None, self.attention.config.rotary
        if position_embeddings is not None and rotary is not None:
            cos, sin = position_embeddings
            # Most models pass each angle twice, for both numbers of a pair.
            turns = cos[..., : rotary.width // 2], sin[..., : rotary.width // 2]
        remember, known = None, None
        if key_value_states is not None:
            known = self.keys_and_values(key_value_states, options)
        elif (cache := own_cache(options)) is not None:
            remember = partial(cache.update, layer_idx=self.number)
        output: Tensor = self.attention(
            x, key_value_states, rule=rule, turns=turns, bias=bias, remember=remember, known=known
        )
        return output

    def keys_and_values(self, source: Tensor, options: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Of the text that cross-attention reads. With a cache, they are computed once for all tokens of the target."""
        cache = cache_of(options)
        if not isinstance(cache, EncoderDecoderCache):
            return self.attention.keys_and_values(source)
        if not cache.is_updated.get(self.number):
            cache.is_updated[self.number] = True
            cache.cross_attention_cache.update(*self.attention.keys_and_values(source), self.number)
        kept = cache.cross_attention_cache.layers[self.number]
        return kept.keys, kept.values


def cache_of(options: Mapping[str, Any]) -> Any:
    return next((options[name] for name in CACHES if options.get(name) is not None), None)


def own_cache(options: Mapping[str, Any]) -> Any:
    """The cache of keys and values of x, where a decoder has another one for those of its encoder."""
    cache = cache_of(options)
    return cache.self_attention_cache if isinstance(cache, EncoderDecoderCache) else cache


@dataclass(frozen=True, kw_only=True)
class Place:
    """Attention modules that our layer replaces: the same one of each block of a list.

    blocks:    path of the list of blocks within the base model
    attention: module of a block that our layer replaces
    absorbed:  other modules of a block whose work our layer does; they are replaced by identities
    weights:   our parameter -> where it is stored; also parameters that only some models of the family have
    sizes:     (config, layer) -> AttentionConfig
    by_head:   module of a block that projects to queries, keys and values, stored head by head
    wrapper:   our layer with the signature of these modules
    """

    blocks: str
    attention: str
    absorbed: tuple[str, ...] = ()
    weights: Weights
    sizes: Callable[[Any, int], AttentionConfig]
    by_head: str | None = None
    wrapper: type[AttentionWrapper] = AttentionWrapper

    @property
    def replaced(self) -> tuple[str, ...]:
        """All modules of a block that are replaced."""
        return self.attention, *self.absorbed


@dataclass(frozen=True, kw_only=True)
class Adapter(Place):
    """One family of models with one place of attention, and what is read of its config.json.

    skipped:   regular expressions of what old checkpoints store that is no weight, without the prefix of the model
    fields:    fields of config.json that are read; transformers gets no others
    refusal:   config -> the reason why a model cannot be shown, or None
    pairs:     config -> whether the model reads sentence pairs
    positions: config -> the number of tokens that the model can read
    """

    family: str
    config_class: type[PretrainedConfig]
    skipped: tuple[str, ...]
    fields: frozenset[str]
    refusal: Callable[[Any], str | None]
    pairs: Callable[[Any], bool]
    positions: Callable[[Any], int] = lambda config: config.max_position_embeddings


def adopt(model: PreTrainedModel, *places: Place) -> Adopted:
    """Replace every attention module in these places by our layer, with the same weights in the same storage."""
    model.eval()  # first, because it does not reach modules that have been replaced: their dropout would stay on
    replacements: list[Replacement] = []
    for place in places:
        for number, block in enumerate(model.base_model.get_submodule(place.blocks)):
            replacements.extend(replaced_in(block, place, sizes_of(place, model.config, number), number))
    return adopted(model, tuple(replacements))


def are_in(model: PreTrainedModel, places: tuple[Place, ...]) -> bool:
    """Whether the model has all these blocks, of one configuration: some of its classes have an encoder alone."""
    if getattr(model.config, "is_heterogeneous", False):
        return False
    names = {name for name, _ in model.base_model.named_modules()}
    return all(place.blocks in names for place in places)


def sizes_of(place: Place, config: PretrainedConfig, layer: int) -> AttentionConfig:
    """Raises UnsupportedModel."""
    try:
        return place.sizes(config, layer)
    except ShapeMismatch as error:
        raise UnsupportedModel(f"{CONFIG}: no attention layer has these sizes: {error}") from error


def replaced_in(block: nn.Module, place: Place, sizes: AttentionConfig, number: int) -> list[Replacement]:
    """Replace the attention of the block with this number."""
    if place.by_head is not None:
        fused: Any = block.get_submodule(place.by_head)
        replace_module(block, place.by_head, HeadByHead(fused, sizes.heads))
    layer = layer_from(block, place.replaced, place.weights, sizes)
    ours = replace_module(block, place.attention, place.wrapper(layer, number))
    return [ours, *(replace_module(block, name, nn.Identity()) for name in place.absorbed)]


def replace_module(block: nn.Module, path: str, ours: nn.Module) -> Replacement:
    """Replace the module at `path` within the block."""
    parent_path, _, name = path.rpartition(".")
    parent = block.get_submodule(parent_path)
    original = parent.get_submodule(name)
    setattr(parent, name, ours)
    return Replacement(parent, name, original, ours)
