"""What a model allocates for each pair of a query and a key while it runs, outside our attention."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import prod
from typing import Any

from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ...attention.core import Core
from .lazy_tensor import LazyTensor


class PairTensors(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within the `with`, `largest` gets the bytes for each pair of the largest tensor [... i j], by its (i, j).

    The blocks in which a core computes are left out: they do not grow with the square of the tokens.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.largest: dict[tuple[int, int], float] = defaultdict(float)
        self.in_core = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if not self.in_core:
            for x in tree_leaves(found):
                if isinstance(x, Tensor) and not isinstance(x, LazyTensor) and x.device.type != "meta":
                    self.add(x)
        return found

    def add(self, x: Tensor) -> None:
        if x.ndim < 2 or not x.numel():
            return
        i, j = x.shape[-2:]
        size = prod(n for n, stride in zip(x.shape, x.stride(), strict=True) if stride) * x.element_size()
        self.largest[i, j] = max(self.largest[i, j], size / (i * j))

    @contextmanager
    def watching(self, model: nn.Module) -> Iterator[None]:
        def enter(*_: Any) -> None:
            self.in_core = True

        def leave(*_: Any) -> None:
            self.in_core = False

        with ExitStack() as undo:
            for core in [module for module in model.modules() if isinstance(module, Core)]:
                undo.callback(core.register_forward_pre_hook(enter).remove)
                undo.callback(core.register_forward_hook(leave, always_call=True).remove)
            with self:
                yield


def bytes_of_pair_tensors(model: nn.Module, run: Callable[[], Any], sizes: set[tuple[int, int]]) -> float:
    """For each pair, the bytes of the largest tensor [... i j] of one of these sizes that the model makes."""
    found = PairTensors()
    with found.watching(model):
        run()
    return max(found.largest[size] for size in sizes)
