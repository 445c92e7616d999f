"""Where the checkpoint of a family stores the weights of attention, and our layer with views of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ..attention.config import AttentionConfig
from ..attention.layer import MultiHeadAttention
from ..errors import WeightsDoNotFit

Part = Literal["q", "k", "v"]


@dataclass(frozen=True)
class Stored:
    """Where and how a checkpoint stores one of our parameters.

    name:       its name within a block of the Hugging Face model
    transposed: True where the weight is stored [in, out] (GPT-2's Conv1D) instead of [out, in] (nn.Linear)
    part:       where queries, keys and values are stored side by side along the outputs: which of them it is
    """

    name: str
    transposed: bool = False
    part: Part | None = None

    def view(self, stored: Tensor, config: AttentionConfig) -> Tensor:
        """Our parameter, [out, in] or [out]: a view of the stored tensor."""
        outputs_first = stored.T if self.transposed else stored
        if self.part is None:
            return outputs_first
        wide, narrow = config.heads * config.head_dim, config.kv_heads * config.head_dim
        start, width = {"q": (0, wide), "k": (wide, narrow), "v": (wide + narrow, narrow)}[self.part]
        return outputs_first[start : start + width]


Weights = Mapping[str, Stored]


def projections(**modules: str) -> dict[str, Stored]:
    """Weights and biases of projections (`q`, `k`, `v`, `out`) that are stored as one nn.Linear each."""
    return {
        f"project_{ours}.{kind}": Stored(f"{theirs}.{kind}")
        for ours, theirs in modules.items()
        for kind in ("weight", "bias")
    }


def side_by_side(module: str, *, transposed: bool = False) -> dict[str, Stored]:
    """Weights and biases of the projections to queries, keys and values that are stored as one module."""
    parts: tuple[Part, ...] = ("q", "k", "v")
    return {
        f"project_{part}.{kind}": Stored(f"{module}.{kind}", transposed and kind == "weight", part)
        for part in parts
        for kind in ("weight", "bias")
    }


def norms(q: str, k: str) -> dict[str, Stored]:
    """Weights of the normalisation of queries and keys."""
    return {"norm_q.weight": Stored(f"{q}.weight"), "norm_k.weight": Stored(f"{k}.weight")}


def layer_from(
    block: nn.Module, modules: tuple[str, ...], weights: Weights, sizes: AttentionConfig
) -> MultiHeadAttention:
    """Our layer with the weights of these modules of a block; `weights` may also name some that `sizes` has not.

    Raises WeightsDoNotFit where a weight is unknown, missing, or has another shape.
    """
    with torch.device("meta"):
        layer = MultiHeadAttention(sizes)
    ours = {name: weights.get(name, Stored(name)) for name, _ in layer.named_parameters()}
    prefixes = tuple(f"{module}." for module in modules)
    theirs = {name: weight for name, weight in block.named_parameters() if name.startswith(prefixes)}
    if odd := sorted({stored.name for stored in ours.values()} ^ set(theirs)):
        raise WeightsDoNotFit(f"{odd} of a {type(block).__name__} are not both in the checkpoint and in its table")
    for name, stored in ours.items():
        set_parameter(layer, name, stored.view(theirs[stored.name], sizes), stored.name)
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


class HeadByHead(nn.Linear):
    """A projection to queries, keys and values, with the outputs in the order (head, q or k or v, d) of GPT-NeoX.

    Its weight is stored in the order (q or k or v, head, d), of which each projection can be a view.
    """

    def __init__(self, stored: nn.Linear, heads: int) -> None:
        super().__init__(stored.in_features, stored.out_features, stored.bias is not None, device="meta")
        self.heads = heads
        self.weight, self.bias = stored.weight, stored.bias
        with torch.no_grad():
            for parameter in self.parameters():
                width = parameter.shape[0] // (3 * heads)
                by_part = parameter.view(heads, 3, width, -1).transpose(0, 1)
                parameter.copy_(by_part.reshape(parameter.shape))

    def forward(self, x: Tensor) -> Tensor:
        """[b i m] -> [b i (h 3 d)]."""
        b, i, _ = x.shape
        return super().forward(x).view(b, i, 3, self.heads, -1).transpose(2, 3).reshape(b, i, -1)
