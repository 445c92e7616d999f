"""Run a model in float64 without a copy of its weights in float64."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils._pytree import tree_map


def widened(x: Any) -> Any:
    return x.double() if isinstance(x, Tensor) and x.is_floating_point() else x


@contextmanager
def in_float64(model: nn.Module) -> Iterator[None]:
    """Within the `with`, each module computes in float64; its own weights are widened only while it runs.

    Functions that models ask for float32, as in many normalisations, still compute in float32.
    """
    with ExitStack() as undo:
        for module in model.modules():
            own = {**dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
            if any(x.is_floating_point() for x in own.values()):
                undo.callback(module.register_forward_pre_hook(widen, with_kwargs=True).remove)
                undo.callback(module.register_forward_hook(narrow, always_call=True).remove)
        yield


def widen(module: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Its own weights in float64, and its inputs."""
    module.headscope_weights = [(x, x.data) for x in own_tensors(module)]  # type: ignore[assignment]
    for x in own_tensors(module):
        x.data = x.data.double()
    result: tuple[Any, Any] = tree_map(widened, (args, kwargs))
    return result


def narrow(module: nn.Module, _: Any, __: Any) -> None:
    for x, before in module.headscope_weights:  # type: ignore[union-attr]
        x.data = before
    del module.headscope_weights


def own_tensors(module: nn.Module) -> list[Tensor]:
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    return [x for x in own if x.is_floating_point()]
