"""How a Hugging Face model's attention becomes ours: a family is a table, this file carries it out."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from ..attention.config import AttentionConfig
from ..attention.layer import MultiHeadAttention
from ..errors import UnsupportedModel, WeightsDoNotFit


@dataclass(frozen=True)
class Stored:
    """Where and how a checkpoint keeps one of our parameters.

    name:      within a block of the Hugging Face model
    inward:    True where the weight is kept [in, out] (GPT-2's Conv1D); nn.Linear wants [out, in]
    part, of:  which of several equal parts, side by side along the outputs
    """

    name: str
    inward: bool = False
    part: int = 0
    of: int = 1

    def view(self, kept: Tensor) -> Tensor:
        """Our parameter, [out, in] or [out], sharing the checkpoint's storage."""
        outward = kept.T if self.inward else kept
        return outward.chunk(self.of, 0)[self.part]


@dataclass(frozen=True)
class Adapter:
    """One family of models.

    classes:   architecture named in config.json -> class that carries it out
    blocks:    path of the list of blocks within the base model
    attention: module in a block whose place our layer takes
    absorbed:  modules in a block that our layer does the work of; they become identities
    weights:   our parameter -> where it is stored
    skipped:   regular expressions of checkpoint keys left out on purpose
    fields:    what is read of config.json, as it is written there; nothing else of it reaches transformers
    sizes:     (config, layer) -> AttentionConfig
    refusal:   config -> why this one cannot be shown, or None
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


class AttentionInPlace(nn.Module):
    """Our layer behind the signature by which Hugging Face blocks call their attention."""

    def __init__(self, attention: MultiHeadAttention) -> None:
        super().__init__()
        self.attention = attention

    def forward(
        self, hidden_states: Tensor, *_: object, attention_mask: Tensor | None = None, **options: Any
    ) -> tuple[Tensor, None]:
        """[b i m] -> [b i m], None. `attention_mask` is [b 1 i j], True = may look, as SDPA models get it."""
        if options.get("past_key_values") is not None or options.get("encoder_hidden_states") is not None:
            raise UnsupportedModel("a key/value cache and cross-attention are not carried over: pass use_cache=False")
        return self.attention(hidden_states, given=attention_mask), None


@dataclass(frozen=True)
class Place:
    """A module of the Hugging Face model and what stands there now."""

    parent: nn.Module
    name: str
    original: nn.Module
    ours: nn.Module


@dataclass(frozen=True)
class Adopted:
    """A Hugging Face model whose attention is ours; the originals stay at hand, sharing the weights."""

    model: PreTrainedModel
    layers: tuple[MultiHeadAttention, ...]
    places: tuple[Place, ...]

    @contextmanager
    def as_hugging_face(self) -> Iterator[PreTrainedModel]:
        """Within the `with`, the model as Hugging Face made it, on eager attention; ours again afterwards."""
        before = self.model.config._attn_implementation
        try:
            for place in self.places:
                setattr(place.parent, place.name, place.original)
            self.model.set_attn_implementation("eager")
            yield self.model
        finally:
            self.model.set_attn_implementation(before)
            for place in self.places:
                setattr(place.parent, place.name, place.ours)


def adopt(model: PreTrainedModel, adapter: Adapter) -> Adopted:
    """Replace every attention module by our layer, which carries the same weights in the same storage."""
    model.eval()  # while the originals are still inside, or their dropout would stay on
    layers, places = [], []
    for number, block in enumerate(model.base_model.get_submodule(adapter.blocks)):
        layer = carry_over(block, adapter, adapter.sizes(model.config, number))
        places.append(put(block, adapter.attention, AttentionInPlace(layer)))
        places.extend(put(block, name, nn.Identity()) for name in adapter.absorbed)
        layers.append(layer)
    # Generation would hand us a cache otherwise; recomputing is right, only slower.
    model.config.use_cache = False
    if model.can_generate():
        model.generation_config.use_cache = False
    return Adopted(model, tuple(layers), tuple(places))


def carry_over(block: nn.Module, adapter: Adapter, sizes: AttentionConfig) -> MultiHeadAttention:
    """Our layer with the block's weights. Raises WeightsDoNotFit for an unknown, missing or misshapen one."""
    places = (adapter.attention, *adapter.absorbed)
    kept = {name: p for name, p in block.named_parameters() if name.startswith(tuple(f"{place}." for place in places))}
    named = {stored.name for stored in adapter.weights.values()}
    if named != set(kept):
        odd = sorted(named ^ set(kept))
        raise WeightsDoNotFit(
            f"{odd} of a {adapter.family} block are not both in the checkpoint and in the adapter's table"
        )
    with torch.device("meta"):
        layer = MultiHeadAttention(sizes).to(next(iter(kept.values())).dtype)
    for name, stored in adapter.weights.items():
        place(layer, name, stored.view(kept[stored.name]), stored.name)
    return layer


def place(layer: MultiHeadAttention, name: str, weight: Tensor, stored_as: str) -> None:
    """Make `weight` the layer's parameter `name`, no copy."""
    module_name, _, parameter = name.rpartition(".")
    wanted = layer.get_parameter(name).shape
    if weight.shape != wanted:
        raise WeightsDoNotFit(f"{stored_as} gives {name} {list(weight.shape)}, the config wants {list(wanted)}")
    setattr(
        layer.get_submodule(module_name), parameter, nn.Parameter(weight.detach(), requires_grad=weight.requires_grad)
    )


def put(block: nn.Module, path: str, ours: nn.Module) -> Place:
    """Let `ours` stand at `path` within the block."""
    parent_path, _, name = path.rpartition(".")
    parent = block.get_submodule(parent_path)
    original = parent.get_submodule(name)
    setattr(parent, name, ours)
    return Place(parent, name, original, ours)
