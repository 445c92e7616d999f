"""Replace the attention of a Hugging Face model by our layer. A family of models is a table; this file applies it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from ..attention.config import AttentionConfig
from ..attention.layer import MultiHeadAttention
from ..errors import UnsupportedModel
from .adopted import Adopted, Replacement, adopted
from .interface.attention import rule_and_bias
from .stored import HeadByHead, Weights, layer_from

CACHES = ("past_key_values", "layer_past")  # names that attention modules have for a key/value cache


@dataclass(frozen=True)
class Adapter:
    """One family of models.

    blocks:    path of the list of blocks within the base model
    attention: module of a block that our layer replaces
    absorbed:  other modules of a block whose work our layer does; they are replaced by identities
    weights:   our parameter -> where it is stored; also parameters that only some models of the family have
    skipped:   regular expressions of what old checkpoints store that is no weight, without the prefix of the model
    fields:    fields of config.json that are read; transformers gets no others
    sizes:     (config, layer) -> AttentionConfig
    refusal:   config -> the reason why a model cannot be shown, or None
    pairs:     config -> whether the model reads sentence pairs
    by_head:   module of a block that projects to queries, keys and values, stored head by head
    positions: config -> the number of tokens that the model can read
    """

    family: str
    config_class: type[PretrainedConfig]
    blocks: str
    attention: str
    absorbed: tuple[str, ...]
    weights: Weights
    skipped: tuple[str, ...]
    fields: frozenset[str]
    sizes: Callable[[Any, int], AttentionConfig]
    refusal: Callable[[Any], str | None]
    pairs: Callable[[Any], bool]
    by_head: str | None = None
    positions: Callable[[Any], int] = lambda config: config.max_position_embeddings

    @property
    def replaced(self) -> tuple[str, ...]:
        """All modules of a block that are replaced."""
        return self.attention, *self.absorbed


class AttentionWrapper(nn.Module):
    """Our layer with the signature of an attention module in a Hugging Face block, the one with this number."""

    def __init__(self, attention: MultiHeadAttention, number: int) -> None:
        super().__init__()
        self.attention, self.number = attention, number

    def forward(
        self,
        hidden_states: Tensor,
        *_: object,
        attention_mask: Tensor | None = None,
        position_embeddings: tuple[Tensor, Tensor] | None = None,
        **options: Any,
    ) -> tuple[Tensor, None]:
        """[b i m] -> [b i m], None.

        attention_mask:      as the interface of transformers passes it to our attention; None: what the config says
        position_embeddings: cos and sin of rotary angles, [b i r] or twice that width
        options:             of which a key/value cache of transformers is used; it gets the keys and values of x
        """
        if options.get("encoder_hidden_states") is not None:
            raise UnsupportedModel("cross-attention is not supported in this layer")
        cache = next((options[name] for name in CACHES if options.get(name) is not None), None)
        rule = None
        if attention_mask is not None:
            rule = rule_and_bias(attention_mask, hidden_states.shape[1], attention_mask.shape[-1])[0]
        turns, rotary = None, self.attention.config.rotary
        if position_embeddings is not None and rotary is not None:
            cos, sin = position_embeddings
            # Most models pass each angle twice, for both numbers of a pair.
            turns = cos[..., : rotary.width // 2], sin[..., : rotary.width // 2]
        remember = None if cache is None else partial(cache.update, layer_idx=self.number)
        return self.attention(hidden_states, rule=rule, turns=turns, remember=remember), None


def adopt(model: PreTrainedModel, adapter: Adapter) -> Adopted:
    """Replace every attention module by our layer, with the same weights in the same storage."""
    model.eval()  # first, because it does not reach modules that have been replaced: their dropout would stay on
    layers, replacements = [], []
    for number, block in enumerate(model.base_model.get_submodule(adapter.blocks)):
        sizes = adapter.sizes(model.config, number)
        if adapter.by_head is not None:
            fused = HeadByHead(block.get_submodule(adapter.by_head), sizes.heads)
            replace_module(block, adapter.by_head, fused)
        layer = layer_from(block, adapter.replaced, adapter.weights, sizes)
        replacements.append(replace_module(block, adapter.attention, AttentionWrapper(layer, number)))
        replacements.extend(replace_module(block, name, nn.Identity()) for name in adapter.absorbed)
        layers.append(layer)
    return adopted(model, tuple(layers), tuple(replacements))


def replace_module(block: nn.Module, path: str, ours: nn.Module) -> Replacement:
    """Replace the module at `path` within the block."""
    parent_path, _, name = path.rpartition(".")
    parent = block.get_submodule(parent_path)
    original = parent.get_submodule(name)
    setattr(parent, name, ours)
    return Replacement(parent, name, original, ours)
