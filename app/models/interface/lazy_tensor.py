"""A tensor without memory: numbers that are not computed unless an operation needs them."""

from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_map


class LazyTensor(Tensor):
    """Its numbers are what `numbers` computes."""

    def __init__(self, *_: object) -> None:
        pass

    def __repr__(self) -> str:  # type: ignore[override]
        return f"{type(self).__name__}({list(self.shape)})"

    def numbers(self) -> Tensor:
        raise NotImplementedError

    def become(self, found: Tensor) -> None:
        """This tensor is now what an operation in place has found: another lazy tensor, or numbers."""
        raise NotImplementedError

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        """Any operation outside `Following` gets the real numbers."""
        return func(*tree_map(real, args), **tree_map(real, kwargs or {}))


def real(x: Any) -> Any:
    return x.numbers() if isinstance(x, LazyTensor) else x
