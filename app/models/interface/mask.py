"""Masks that transformers asks for, as rules: one interval of keys for each query instead of a square.

transformers builds masks with a function of its own for each attention implementation. Ours answers a tensor without
memory that carries the rule. A model that computes with it gets the mask in the format of eager attention.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map
from transformers.masking_utils import bidirectional_mask_function, causal_mask_function, sdpa_mask

from ...attention.rules import Rule, banded, causal, describes, from_blocks, full

aten = torch.ops.aten
SAME = (aten.detach.default, aten.alias.default)  # operations that change nothing


class RuleMask(Tensor):
    """A mask [b 1 i j] that has a shape and a dtype, but no memory. `rule` is what it says."""

    rule: Rule

    @staticmethod
    def __new__(cls, rule: Rule, batch: int, dtype: torch.dtype, device: torch.device) -> "RuleMask":
        shape = batch, 1, rule.queries, rule.keys
        mask: RuleMask = Tensor._make_wrapper_subclass(cls, shape, dtype=dtype, device=device)
        mask.rule = rule
        return mask

    def __init__(self, *_: object) -> None:
        pass

    def __repr__(self) -> str:  # type: ignore[override]
        return f"RuleMask({self.rule})"

    def eager(self) -> Tensor:
        """The mask in the format of eager attention: 0 where a query may attend, else the least number."""
        allowed = self.rule.whole(self.device).expand(self.shape)
        if self.dtype == torch.bool:
            return allowed
        return torch.zeros(self.shape, dtype=self.dtype, device=self.device).masked_fill_(
            ~allowed, torch.finfo(self.dtype).min
        )

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        first = args[0]
        if isinstance(first, RuleMask) and (func in SAME or is_whole(func, args)):
            return RuleMask(first.rule, first.shape[0], first.dtype, first.device)
        args, kwargs = tree_map(lambda x: x.eager() if isinstance(x, RuleMask) else x, (args, kwargs or {}))
        return func(*args, **kwargs)


def is_whole(func: Any, args: Any) -> bool:
    """Whether it is a slice that leaves nothing out: models cut a mask to the number of keys."""
    if func is not aten.slice.Tensor or len(args) != 4:
        return False
    mask, axis, start, stop = args
    return bool(start == 0 and stop >= mask.shape[axis])


def rule_mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    *,
    allow_is_bidirectional_skip: bool = False,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    **asked: Any,
) -> RuleMask | None:
    """The mask that transformers asks for; None for a full one where transformers allows to leave it out."""
    rule = rule_of(batch_size, q_length, kv_length, device=device, **asked)
    if rule.is_full and allow_is_bidirectional_skip:
        return None
    return RuleMask(rule, batch_size, dtype, torch.device(device))


def rule_of(  # noqa: PLR0913 - the signature of transformers
    batch_size: int,
    queries: int,
    keys: int,
    *,
    q_offset: int = 0,
    kv_offset: int = 0,
    mask_function: Callable[..., Any] = causal_mask_function,
    attention_mask: Tensor | None = None,
    local_size: int | None = None,
    use_vmap: bool = False,
    device: torch.device | str = "cpu",
    **_: Any,
) -> Rule:
    """The rule of a mask function. Every cell is compared with transformers' own mask, a block of rows at a time."""
    offset = int(q_offset) - int(kv_offset)
    bare = attention_mask is None or bool(attention_mask.all())
    if bare and mask_function is causal_mask_function:
        return causal(queries, keys, offset)
    if bare and mask_function is bidirectional_mask_function:
        return full(queries, keys)
    asked = {"kv_offset": kv_offset, "mask_function": mask_function, "attention_mask": attention_mask}
    options = {"allow_is_causal_skip": False, "use_vmap": use_vmap, "device": device}

    def block(rows: range) -> Tensor:
        mask: Tensor = sdpa_mask(batch_size, len(rows), keys, q_offset=q_offset + rows.start, **asked, **options)
        return mask

    usual = usual_rules(queries, keys, offset, local_size) if bare else ()
    return next((rule for rule in usual if describes(rule, block)), None) or from_blocks(block, queries, keys)


def usual_rules(queries: int, keys: int, offset: int, window: int | None) -> Iterator[Rule]:
    """What masks usually are. To compare one takes less time than to find the intervals of an unknown mask."""
    if window is not None:
        yield banded(queries, keys, before=window - 1, after=0, offset=offset)
        yield banded(queries, keys, before=window, after=window, offset=offset)
    yield causal(queries, keys, offset)
    yield full(queries, keys)
