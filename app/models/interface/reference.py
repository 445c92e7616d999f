"""Eager attention of transformers, one pattern at a time.

With `output_attentions`, transformers keeps the patterns of all layers. Here each goes to a function as soon as it is
computed, and is dropped.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

from torch import Tensor, nn
from transformers import AttentionInterface

from ...errors import UnsupportedModel

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
    for each in kind.__mro__:
        if found := getattr(sys.modules[each.__module__], "eager_attention_forward", None):
            return found
    raise UnsupportedModel(f"{kind.__name__} has no eager attention to compare with: its file defines none")


class Registration:
    """Registers `eager_attention` with transformers while at least one thread needs it.

    Its name is "eager" itself, because some models compute masks only for attention of this name. So other models of
    the process, which may have eager attention that we do not know, must not find it afterwards.
    """

    def __init__(self) -> None:
        self.lock, self.users = Lock(), 0

    def __enter__(self) -> None:
        with self.lock:
            self.users += 1
            AttentionInterface.register("eager", eager_attention)

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.users -= 1
            if self.users == 0:
                del AttentionInterface._global_mapping["eager"]  # it has no public opposite of `register`


REGISTERED = Registration()


@contextmanager
def patterns_to(take: OnPattern) -> Iterator[None]:
    """Within the `with`, `take` gets the pattern of each layer of a model that runs eager attention."""
    token = on_pattern.set(take)
    try:
        with REGISTERED:
            yield
    finally:
        on_pattern.reset(token)
