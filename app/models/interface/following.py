"""Follow a model's own attention, operation by operation: from the product of queries and keys to that with the values.

Each operation that is known gives the lazy result; any other one gets the real numbers. So the output is always that of
the model, and attention is captured where its operations are known.
"""

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from ...attention.core import Core
from .einsum import known_einsum
from .lazy_tensor import LazyTensor, real
from .operations import BEGINNINGS, IN_PLACE, KNOWN

aten = torch.ops.aten
WHOLE = {*KNOWN, aten.einsum.default}


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within the `with`, `operation` is called instead of each of torch's operations."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func._can_decompose() and func not in WHOLE:  # in inference mode, functions arrive whole
            with self:
                found = func.decompose(*args, **kwargs)
            if found is not NotImplemented:
                return found
        return self.operation(func, args, kwargs)

    def operation(self, func: Any, args: Any, kwargs: Any) -> Any:
        """The result of an operation of torch.ops.aten. Within it, operations are torch's own."""
        raise NotImplementedError


class Following(Operations):  # type: ignore[no-untyped-call]
    """Attention is computed by the core."""

    def __init__(self, core: Core) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.core = core

    def operation(self, func: Any, args: Any, kwargs: Any) -> Any:
        if func is aten.einsum.default:
            return self.einsum(*args, **kwargs)
        followed = any(isinstance(x, LazyTensor) for x in args)
        if followed and func._schema.is_mutable and isinstance(args[0], LazyTensor):
            return self.in_place(func, args, kwargs)
        known = KNOWN.get(func) if followed else BEGINNINGS.get(func)
        if known is not None:
            found = known(self.core, *args, **kwargs)
            if found is not None:
                return found
        return func(*tree_map(real, args), **tree_map(real, kwargs))

    def einsum(self, equation: str, tensors: list[Tensor], **options: Any) -> Tensor:
        """Whole, because its steps move axes of scores."""
        found = known_einsum(self.core, equation, tensors)
        return aten.einsum.default(equation, tree_map(real, tensors), **options) if found is None else found

    def in_place(self, func: Any, args: Any, kwargs: Any) -> LazyTensor:
        """The lazy tensor becomes the result of the operation."""
        lazy: LazyTensor = args[0]
        known = IN_PLACE.get(func)
        found = None if known is None else known(self.core, *args, **kwargs)
        if found is None:
            found = real(lazy)
            func(found, *tree_map(real, args[1:]), **tree_map(real, kwargs))
        lazy.become(found)
        return lazy
