"""Eager attention of transformers, one pattern at a time.

With `output_attentions`, transformers keeps the patterns of all layers. Here each goes to a function as soon as it is
computed, and is dropped.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

REFERENCE = "headscope-reference"
OnPattern = Callable[[Tensor], object]
on_pattern: ContextVar[OnPattern] = ContextVar("on_pattern")


def reference_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None, **options: Any
) -> tuple[Tensor, None]:
    """What the module's own eager attention returns, without the pattern [b h i j], which `on_pattern` gets."""
    eager = sys.modules[type(module).__module__].eager_attention_forward
    output, pattern = eager(module, query, key, value, attention_mask, **options)
    on_pattern.get()(pattern)
    return output, None


@contextmanager
def patterns_to(model: PreTrainedModel, take: OnPattern) -> Iterator[None]:
    """Within the `with`, the model runs eager attention, and `take` gets the pattern of each layer."""
    before = model.config._attn_implementation
    token = on_pattern.set(take)
    try:
        model.set_attn_implementation(REFERENCE)
        yield
    finally:
        model.set_attn_implementation(before)
        on_pattern.reset(token)


AttentionInterface.register(REFERENCE, reference_attention)
AttentionMaskInterface.register(REFERENCE, eager_mask)
