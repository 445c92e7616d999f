"""Hook points: named steps of the computation that can be read and edited.

The names are those of TransformerLens. Axis letters b batch, h query head, g key/value head, i query, j key,
d width of a head, e width of a value, m width of the residual stream.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from ..errors import ShapeMismatch, UnknownHook

SHAPES = {
    "terms": "`Terms`: mask, scale, cap, bias and sinks, with which scores become weights",
    "q": "[b h i d] queries",
    "k": "[b g j d] keys",
    "v": "[b g j e] values",
    "scores": "[b h i j] q . k * scale, capped and with bias, before mask and softmax; float32 or wider",
    "pattern": "[b h i j] the attention weights, after softmax",
    "lse": "[b h i] row log-sum-exp of the masked scores, without sinks; read only, no gradient on the fused path",
    "z": "[b h i e] weighted sum of the values",
    "result": "[b h i m] each head's contribution to the residual stream; with the output bias they sum to the output",
}

# Called with the full name and the tensor (or the `Terms`); what it returns replaces it, None leaves it as it is.
Watcher = Callable[[str, Any], Any]


class HookPoint(nn.Module):
    """The identity. It gives a step of the computation a name in `named_modules()`; free when no hook is set."""

    def forward(self, x: Any) -> Any:
        """[...] -> [...], the same tensor unless a hook returns another."""
        return x

    @property
    def watched(self) -> bool:
        return bool(self._forward_hooks)


def hook_points(module: nn.Module) -> dict[str, HookPoint]:
    """Every hook point of the module by its full name, such as `h.3.attn.attention.core.pattern`."""
    return {name: part for name, part in module.named_modules() if isinstance(part, HookPoint)}


@contextmanager
def watching(module: nn.Module, names: str | Collection[str], watcher: Watcher) -> Iterator[None]:
    """Within the `with` block, call `watcher(full name, tensor)` at the named hook points.

    A name is either full, or its last part (`pattern`), which means every layer. The hooks are removed afterwards, also
    after an error. Raises UnknownHook, before any hook is set, if a name matches no hook point.
    """
    wanted = {names} if isinstance(names, str) else set(names)
    points = hook_points(module)
    chosen = {name: point for name, point in points.items() if wanted & {name, name.rpartition(".")[2]}}
    found = {part for name in chosen for part in (name, name.rpartition(".")[2])}
    if missing := wanted - found:
        known = sorted({name.rpartition(".")[2] for name in points})
        raise UnknownHook(f"no hook point {sorted(missing)}: this module has {known}, in {len(points)} places")
    with ExitStack() as undo:
        for name, point in chosen.items():
            handle = point.register_forward_hook(lambda _, __, x, name=name: call_watcher(watcher, name, x))
            undo.callback(handle.remove)
        yield


def call_watcher(watcher: Watcher, name: str, x: Any) -> Any:
    """What the watcher returns instead of `x`, or None. Raises ShapeMismatch if its shape differs."""
    edited = watcher(name, x)
    if isinstance(x, Tensor) and edited is not None and edited.shape != x.shape:
        raise ShapeMismatch(f"{name} is {list(x.shape)}, the watcher returned {list(edited.shape)}")
    return edited
