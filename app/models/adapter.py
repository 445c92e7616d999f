"""Replace the attention of a Hugging Face model by our layer. A family of models is a table; this file applies it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from ..attention.config import AttentionConfig
from ..attention.layer import MultiHeadAttention
from ..errors import UnsupportedModel, WeightsDoNotFit
from .adopted import Adopted, Replacement, adopted


@dataclass(frozen=True)
class Stored:
    """Where and how a checkpoint stores one of our parameters.

    name:       its name within a block of the Hugging Face model
    transposed: True where the weight is stored [in, out] (GPT-2's Conv1D) instead of [out, in] (nn.Linear)
    part, of:   the parameter is part number `part` of `of` equal parts along the outputs
    """

    name: str
    transposed: bool = False
    part: int = 0
    of: int = 1

    def view(self, stored: Tensor) -> Tensor:
        """Our parameter, [out, in] or [out]: a view of the stored tensor."""
        outputs_first = stored.T if self.transposed else stored
        return outputs_first.chunk(self.of, 0)[self.part]


@dataclass(frozen=True)
class Adapter:
    """One family of models.

    classes:   architecture in config.json -> class that implements it
    blocks:    path of the list of blocks within the base model
    attention: module of a block that our layer replaces
    absorbed:  other modules of a block whose work our layer does; they are replaced by identities
    weights:   our parameter -> where it is stored
    skipped:   regular expressions of weights in the checkpoint that are ignored
    fields:    fields of config.json that are read; transformers gets no others
    sizes:     (config, layer) -> AttentionConfig
    refusal:   config -> the reason why a model cannot be shown, or None
    pairs:     config -> whether the model reads sentence pairs
    """

    family: str
    config_class: type[PretrainedConfig]
    classes: Mapping[str, type[PreTrainedModel]]
    blocks: str
    attention: str
    absorbed: tuple[str, ...]
    weights: Mapping[str, Stored]
    skipped: tuple[str, ...]
    fields: frozenset[str]
    sizes: Callable[[Any, int], AttentionConfig]
    refusal: Callable[[Any], str | None]
    pairs: Callable[[Any], bool]


class AttentionWrapper(nn.Module):
    """Our layer with the signature of an attention module in a Hugging Face block."""

    def __init__(self, attention: MultiHeadAttention) -> None:
        super().__init__()
        self.attention = attention

    def forward(
        self, hidden_states: Tensor, *_: object, attention_mask: Tensor | None = None, **options: Any
    ) -> tuple[Tensor, None]:
        """[b i m] -> [b i m], None. `attention_mask` [b 1 i j] as for SDPA: True where a query may attend to a key."""
        if options.get("past_key_values") is not None or options.get("encoder_hidden_states") is not None:
            raise UnsupportedModel("a key/value cache and cross-attention are not supported: pass use_cache=False")
        return self.attention(hidden_states, given=attention_mask), None


def adopt(model: PreTrainedModel, adapter: Adapter) -> Adopted:
    """Replace every attention module by our layer, with the same weights in the same storage."""
    model.eval()  # first, because it does not reach modules that have been replaced: their dropout would stay on
    layers, replacements = [], []
    for number, block in enumerate(model.base_model.get_submodule(adapter.blocks)):
        layer = layer_from(block, adapter, adapter.sizes(model.config, number))
        replacements.append(replace_module(block, adapter.attention, AttentionWrapper(layer)))
        replacements.extend(replace_module(block, name, nn.Identity()) for name in adapter.absorbed)
        layers.append(layer)
    return adopted(model, tuple(layers), tuple(replacements))


def layer_from(block: nn.Module, adapter: Adapter, sizes: AttentionConfig) -> MultiHeadAttention:
    """Our layer with the block's weights. Raises WeightsDoNotFit where one is unknown, missing or has another shape."""
    modules = tuple(f"{module}." for module in (adapter.attention, *adapter.absorbed))
    stored_weights = {name: weight for name, weight in block.named_parameters() if name.startswith(modules)}
    named = {stored.name for stored in adapter.weights.values()}
    if named != set(stored_weights):
        odd = sorted(named ^ set(stored_weights))
        raise WeightsDoNotFit(
            f"{odd} of a {adapter.family} block are not both in the checkpoint and in the adapter's table"
        )
    with torch.device("meta"):
        layer = MultiHeadAttention(sizes).to(next(iter(stored_weights.values())).dtype)
    for name, stored in adapter.weights.items():
        set_parameter(layer, name, stored.view(stored_weights[stored.name]), stored.name)
    return layer


def set_parameter(layer: MultiHeadAttention, name: str, weight: Tensor, stored_as: str) -> None:
    """Set the layer's parameter `name` to `weight`, without a copy."""
    module_name, _, parameter = name.rpartition(".")
    wanted = layer.get_parameter(name).shape
    if weight.shape != wanted:
        raise WeightsDoNotFit(f"{stored_as} gives {name} {list(weight.shape)}, the config wants {list(wanted)}")
    setattr(
        layer.get_submodule(module_name), parameter, nn.Parameter(weight.detach(), requires_grad=weight.requires_grad)
    )


def replace_module(block: nn.Module, path: str, ours: nn.Module) -> Replacement:
    """Replace the module at `path` within the block."""
    parent_path, _, name = path.rpartition(".")
    parent = block.get_submodule(parent_path)
    original = parent.get_submodule(name)
    setattr(parent, name, ours)
    return Replacement(parent, name, original, ours)
