"""Models that do not use the attention interface: their modules that call softmax are found, and followed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any

import torch
from torch import Tensor, nn

from ...attention.core import Core
from .attention import CORE
from .following import Following, Operations
from .lazy import Shared
from .reference import OnPattern

Forward = Callable[..., Any]
softmax = torch.ops.aten._softmax.default
PRODUCTS = {torch.ops.aten.bmm.default, torch.ops.aten.baddbmm.default, torch.ops.aten.einsum.default}


def is_pattern(func: Any, args: Any) -> bool:
    """Whether it is a softmax over the last of at least three axes."""
    return func is softmax and args[0].ndim >= 3 and args[1] in (-1, args[0].ndim - 1)


class Patterns(Operations):  # type: ignore[no-untyped-call]
    """`take` gets the result of each softmax over the last of at least three axes; `multiplied` is told of products."""

    def __init__(self, take: Callable[[Tensor], object], multiplied: Callable[[], object] = lambda: None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.take, self.multiplied = take, multiplied

    def operation(self, func: Any, args: Any, kwargs: Any) -> Any:
        found = func(*args, **kwargs)
        if func in PRODUCTS:
            self.multiplied()
        if is_pattern(func, args):
            self.take(found)
        return found


@dataclass(eq=False)
class Running:
    """A module that runs, and whether it has multiplied matrices itself."""

    module: nn.Module
    multiplied: bool = False


def modules_with_attention(model: nn.Module, run: Callable[[], Any]) -> list[nn.Module]:
    """The modules that call softmax while `run` runs the model, in order.

    Where softmax is in a module of its own (I-BERT), it is the module around it that has multiplied queries and keys.
    """
    running: list[Running] = []
    found: dict[nn.Module, None] = {}

    def enter(module: nn.Module, _: Any) -> None:
        running.append(Running(module))

    def leave(*_: Any) -> None:
        running.pop()

    def multiply() -> None:
        running[-1].multiplied = True

    def take(_: Tensor) -> None:
        chosen = next((each for each in reversed(running) if each.multiplied), running[-1])
        found.setdefault(chosen.module)

    with ExitStack() as undo:
        for module in model.modules():
            undo.callback(module.register_forward_pre_hook(enter).remove)
            undo.callback(module.register_forward_hook(leave, always_call=True).remove)
        with Patterns(take, multiply):
            run()
    return list(found)


def followed(module: nn.Module, shared: Shared) -> Forward:
    """The forward method of a module, with its attention computed by a core that it gets."""
    core, forward = Core(), module.forward
    vars(core)["shared"] = shared
    module.add_module(CORE, core)

    @wraps(forward)
    def follow(*args: Any, **kwargs: Any) -> Any:
        with Following(core):
            return forward(*args, **kwargs)

    return follow


@contextmanager
def patterns_of(modules: Sequence[nn.Module], take: OnPattern) -> Iterator[None]:
    """Within the `with`, `take` gets each pattern [b h i j] that these modules compute."""

    def of_heads(pattern: Tensor) -> None:
        take(pattern if pattern.ndim == 4 else pattern[None])

    def noted(forward: Forward, *args: Any, **kwargs: Any) -> Any:
        with Patterns(of_heads):
            return forward(*args, **kwargs)

    before = [module.forward for module in modules]
    try:
        for module, forward in zip(modules, before, strict=True):
            module.forward = partial(noted, forward)
        yield
    finally:
        for module, forward in zip(modules, before, strict=True):
            module.forward = forward
