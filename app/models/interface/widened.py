"""Run a model in a wider data type without a wider copy of all its weights."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map


@contextmanager
def widened(model: nn.Module, dtype: torch.dtype) -> Iterator[None]:
    """Within the `with`, the model computes in this data type; the weights of one block at a time are widened.

    Functions that models ask for float32, as in many normalisations, still compute in float32.
    """
    with ExitStack() as undo:
        whole = blocks(model)
        for module in model.modules():
            if module in whole or floats_of(module, recurse=False):
                enter = partial(widen, dtype, module in whole)
                undo.callback(module.register_forward_pre_hook(enter, with_kwargs=True).remove)
                undo.callback(module.register_forward_hook(narrow, always_call=True).remove)
        yield


def blocks(model: nn.Module) -> set[nn.Module]:
    """The entries of lists of modules. In some models, one module of a block reads the weights of another."""
    lists = (module for module in model.modules() if isinstance(module, nn.ModuleList))
    return {block for each in lists for block in each}


def floats_of(module: nn.Module, *, recurse: bool) -> list[Tensor]:
    own = (*module.parameters(recurse), *module.buffers(recurse))
    return [x for x in own if x.is_floating_point()]


def widen(dtype: torch.dtype, recurse: bool, module: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Its weights, with `recurse` also those of the modules in it, and its inputs in that data type."""

    def wide(x: Any) -> Any:
        return x.to(dtype) if isinstance(x, Tensor) and x.is_floating_point() else x

    weights = [(x, x.data) for x in floats_of(module, recurse=recurse)]
    module.headscope_weights = weights  # type: ignore[assignment]
    for x, before in weights:
        x.data = before.to(dtype)
    result: tuple[Any, Any] = tree_map(wide, (args, kwargs))
    return result


def narrow(module: nn.Module, _: Any, __: Any) -> None:
    for x, before in module.headscope_weights:  # type: ignore[union-attr]
        x.data = before
    del module.headscope_weights
