"""Our attention behind the interface of transformers: the core of `attention/` for any model that uses it.

transformers calls the function that is registered under the name of the attention implementation, with queries, keys
and values after position embeddings. Each module that calls it holds a core of its own, which has the hook points.

Axis letters: b batch, h query head, g key/value head, i query, j key, d width of a head, e width of a value.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface

from ...attention.bias import Bias, Dense, from_tensor
from ...attention.core import Core
from ...attention.rules import Rule, from_mask, full
from ...attention.terms import Terms
from .mask import RuleMask, rule_mask

# transformers looks for "flash", "sdpa", "flex", "paged" and "/" in a name, and treats it in another way.
NAME = "headscope"
CORE = "headscope"  # the attribute of an attention module that holds its core
# A float mask has 0 or a bias where a query may attend, and a number near the least one elsewhere. Sums of several such
# masks can be minus infinity.
HIDDEN_BELOW = 0.25  # of the least number of the dtype


def attention(  # noqa: PLR0913, PLR0917 - the signature of transformers
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None = None,
    scaling: float | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    sinks: Tensor | None = None,
    position_bias: Tensor | None = None,
    indices: Tensor | None = None,
    block_indices: Tensor | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """query [b h i d], key [b g j d], value [b g j e] -> [b i h e], None.

    s_aux, sinks:  [h] or [b h i 1], a score in each row's softmax that belongs to no key
    position_bias: [b or 1, h or 1, i or 1, j], added to the scores
    indices:       [b i t], the keys that each query may attend to, -1 for none (sparse attention)
    block_indices: [b g i t], the same with blocks of keys, for each key/value head
    """
    rule, bias = rule_and_bias(attention_mask, query.shape[2], key.shape[2])
    if indices is not None:
        rule = rule.and_mask(mask_of_indices(indices[:, None], key.shape[2]))
    if block_indices is not None:
        rule = rule.and_mask(mask_of_blocks(module, block_indices, query.shape[1], key.shape[2]))
    if position_bias is not None:
        bias = both(bias, smallest_form(position_bias, full(query.shape[2], key.shape[2])), query, key)
    scale = query.shape[-1] ** -0.5 if scaling is None else float(scaling)
    terms = Terms(rule, scale, softcap, bias, s_aux if sinks is None else scores_of_sinks(sinks))
    z: Tensor = core_of(module)(query, key, value, terms)
    return z.transpose(1, 2).contiguous(), None


def core_of(module: nn.Module) -> Core:
    """The core of an attention module; it gets one when it runs for the first time."""
    core = module._modules.get(CORE)
    if core is None:
        core = Core()
        module.add_module(CORE, core)
    assert isinstance(core, Core)
    return core


def rule_and_bias(mask: Tensor | None, queries: int, keys: int) -> tuple[Rule, Bias | None]:
    """What a mask says, and what it adds to the scores where it lets a query attend to a key."""
    if mask is None:
        return full(queries, keys), None
    if isinstance(mask, RuleMask):
        if mask.shape[-2:] == (queries, keys):
            return mask.rule, None
        mask = mask.eager()
    while mask.ndim < 4:
        mask = mask[None]
    mask = mask[..., :keys].expand(-1, -1, queries, keys)
    if mask.dtype == torch.bool:
        return from_mask(mask), None
    rule = from_mask(mask > HIDDEN_BELOW * torch.finfo(mask.dtype).min)
    return rule, smallest_form(mask, rule)


def smallest_form(bias: Tensor, rule: Rule) -> Bias | None:
    """The smallest exact form of a bias. Layers often share one tensor, so the form is stored with it."""
    known: tuple[Rule | None, Bias | None] | None = getattr(bias, "headscope_form", None)
    cells = None if rule.is_full else rule
    if known is None or known[0] is not cells:
        known = (cells, from_tensor(bias, rule))
        bias.headscope_form = known  # type: ignore[attr-defined]
    return known[1]


def both(one: Bias | None, other: Bias | None, query: Tensor, key: Tensor) -> Bias | None:
    """The sum of two biases."""
    if one is None or other is None:
        return one or other
    every = range(query.shape[2]), range(key.shape[2])
    return Dense(one.block(query, key, *every) + other.block(query, key, *every))


def mask_of_indices(indices: Tensor, keys: int) -> Tensor:
    """[... t] -> bool [... keys], True for the keys whose numbers are listed."""
    mask = torch.zeros(*indices.shape[:-1], keys + 1, dtype=torch.bool, device=indices.device)
    return mask.scatter_(-1, torch.where(indices < 0, keys, indices).long(), value=True)[..., :keys]


def mask_of_blocks(module: nn.Module, indices: Tensor, heads: int, keys: int) -> Tensor:
    """[b g i t] -> bool [b h i keys], True for the keys in blocks whose numbers are listed (MiniMax M3)."""
    size = module.get_submodule("indexer").block_size
    assert isinstance(size, int)
    blocks = mask_of_indices(indices, -(-keys // size))
    return blocks.repeat_interleave(size, -1)[..., :keys].repeat_interleave(heads // indices.shape[1], 1)


def scores_of_sinks(sinks: Tensor) -> Tensor:
    """[b h i 1] -> [b h i]; [h] as it is."""
    return sinks if sinks.ndim == 1 else sinks[..., 0]


def register() -> None:
    """Tell transformers of our attention. Without our masks, it would pass none at all, silently."""
    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, rule_mask)


register()
