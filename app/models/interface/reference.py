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
from transformers import AttentionInterface

OnPattern = Callable[[Tensor], object]
on_pattern: ContextVar[OnPattern | None] = ContextVar("on_pattern", default=None)


def eager_attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None, **options: Any
) -> tuple[Tensor, Tensor | None]:
    """What the module's own eager attention returns. Within `patterns_to`, its pattern [b h i j] is not kept."""
    output, pattern = eager_of(type(module))(module, query, key, value, attention_mask, **options)
    take = on_pattern.get()
    if take is None:
        return output, pattern
    take(pattern)
    return output, None


def eager_of(kind: type[nn.Module]) -> Any:
    """The function for eager attention in the file of a class of modules, or of the class that it extends."""
    files = (sys.modules[each.__module__] for each in kind.__mro__)
    found = (getattr(file, "eager_attention_forward", None) for file in files)
    return next(each for each in found if each is not None)


@contextmanager
def patterns_to(take: OnPattern) -> Iterator[None]:
    """Within the `with`, `take` gets the pattern of each layer of a model that runs eager attention."""
    token = on_pattern.set(take)
    try:
        yield
    finally:
        on_pattern.reset(token)


# Registered as "eager" itself, because some models compute masks only for attention of this name.
AttentionInterface.register("eager", eager_attention)
