"""Follow a model's own attention, operation by operation: from the product of queries and keys to that with the values.

Each operation that is known gives the lazy result; any other one gets the real numbers. So the output is always that of
the model, and attention is captured where its operations are known.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from ...attention.core import Core
from .einsum import known_einsum
from .lazy import MASKED, LazyScores, Scores, real

aten = torch.ops.aten
VIEWS = {aten.view.default, aten._unsafe_view.default, aten.reshape.default}
SAME = {aten.detach.default, aten.alias.default, aten.clone.default, aten.contiguous.default, aten.expand.default}


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
        followed = any(isinstance(x, LazyScores) for x in args)
        if followed and func._schema.is_mutable and isinstance(args[0], LazyScores):
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

    def in_place(self, func: Any, args: Any, kwargs: Any) -> LazyScores:
        """The lazy tensor becomes the result of the operation."""
        lazy: LazyScores = args[0]
        known = IN_PLACE.get(func)
        found = None if known is None else known(self.core, *args, **kwargs)
        if found is None:
            numbers = real(lazy)
            func(numbers, *tree_map(real, args[1:]), **tree_map(real, kwargs))
            found = given(numbers)
        lazy.scores = found.scores
        return lazy


def product(_: Core, q: Tensor, k: Tensor, scale: float = 1.0) -> LazyScores | None:
    """[h i d] @ [h d j]: scores, unless a pattern is multiplied with values."""
    if isinstance(q, LazyScores) or isinstance(k, LazyScores):
        return None
    return LazyScores(Scores(q, k.mT, scale), (q.shape[0], q.shape[1], k.shape[2]))


def matrix_product(core: Core, one: Tensor, other: Tensor) -> Tensor | None:
    """A product of batches of matrices: of queries and keys, or of a pattern and values."""
    if isinstance(one, LazyScores) and one.scores.softmax and not isinstance(other, LazyScores):
        return one.scores.attend(core, other)
    return product(core, one, other)


def product_and_sum(
    core: Core, added: Tensor, q: Tensor, k: Tensor, *, beta: float = 1.0, alpha: float = 1.0
) -> Tensor | None:
    """beta * added + alpha * (q @ k)."""
    found = product(core, q, k, float(alpha))
    return None if found is None else plus(core, found, added, alpha=beta)


def changed(lazy: LazyScores, scores: Scores) -> LazyScores:
    return LazyScores(scores, tuple(lazy.shape))


def number_of(x: Any) -> float | None:
    """A number, or the value of a tensor of one element."""
    if isinstance(x, Tensor):
        return x.item() if x.numel() == 1 and not isinstance(x, LazyScores) else None
    return float(x)


def times(_: Core, lazy: Any, factor: Any) -> LazyScores | None:
    if not isinstance(lazy, LazyScores):
        lazy, factor = factor, lazy
    number = number_of(factor)
    if number is None or lazy.scores.softmax or lazy.scores.masked is not None:
        return None
    return changed(lazy, lazy.scores.times(number))


def divided(core: Core, lazy: Any, divisor: Any) -> LazyScores | None:
    number = number_of(divisor)
    return None if number is None or not isinstance(lazy, LazyScores) else times(core, lazy, 1 / number)


def plus(_: Core, lazy: Any, other: Any, *, alpha: float = 1.0) -> LazyScores | None:
    if not isinstance(lazy, LazyScores):
        if alpha != 1:
            return None
        lazy, other = other, lazy
    if not isinstance(other, Tensor):
        other = torch.tensor(other, dtype=lazy.dtype, device=lazy.device)
    if lazy.scores.softmax or isinstance(other, LazyScores):
        return None
    added = lazy.of_heads(other if alpha == 1 else other * alpha)
    return None if added is None else changed(lazy, lazy.scores.plus(added))


def minus(core: Core, lazy: Any, other: Any, *, alpha: float = 1.0) -> LazyScores | None:
    return plus(core, lazy, other, alpha=-alpha) if isinstance(lazy, LazyScores) else None


def masked_fill(_: Core, lazy: Any, mask: Tensor, value: Any) -> LazyScores | None:
    number = number_of(value)
    if not isinstance(lazy, LazyScores) or lazy.scores.softmax or number is None or number > MASKED:
        return None
    masked = lazy.of_heads(mask)
    return None if masked is None else changed(lazy, lazy.scores.without(masked))


def where(core: Core, condition: Tensor, lazy: Any, value: Any) -> LazyScores | None:
    return None if isinstance(condition, LazyScores) else masked_fill(core, lazy, ~condition, value)


def viewed(_: Core, lazy: Any, shape: Any) -> LazyScores | None:
    """[h i j] as [b h i j], or back."""
    if not isinstance(lazy, LazyScores):
        return None
    made = torch.empty(lazy.shape, device="meta").view(shape).shape
    return LazyScores(lazy.scores, tuple(made)) if made[-2:] == lazy.shape[-2:] else None


def same(_: Core, lazy: Any, shape: Any = None, **__: Any) -> LazyScores | None:
    if not isinstance(lazy, LazyScores):
        return None
    unchanged = shape is None or all(new in (-1, old) for new, old in zip(shape, lazy.shape, strict=False))
    return changed(lazy, lazy.scores) if unchanged and (shape is None or len(shape) == lazy.ndim) else None


def converted(_: Core, lazy: Any, *, dtype: torch.dtype | None = None, **__: Any) -> LazyScores | None:
    return changed(lazy, lazy.scores) if isinstance(lazy, LazyScores) and dtype in (None, lazy.dtype) else None


def softmax(_: Core, scores: Tensor, axis: int, *__: Any) -> LazyScores | None:
    """A pattern. Scores that were not followed are kept as a bias of queries and keys that are 0."""
    if axis not in (-1, scores.ndim - 1) or scores.ndim < 3:
        return None
    lazy = scores if isinstance(scores, LazyScores) else given(scores)
    return None if lazy.scores.softmax else changed(lazy, replace(lazy.scores, softmax=True))


def given(numbers: Tensor) -> LazyScores:
    """Scores of which all numbers are kept."""
    flat = numbers.reshape(-1, *numbers.shape[-2:])
    q, k = flat.new_zeros(*flat.shape[:2], 1), flat.new_zeros(flat.shape[0], flat.shape[2], 1)
    return LazyScores(Scores(q, k, added=flat), tuple(numbers.shape))


BEGINNINGS: dict[Any, Callable[..., Tensor | None]] = {
    aten.bmm.default: matrix_product,
    aten.baddbmm.default: product_and_sum,
    aten._softmax.default: softmax,
}
KNOWN: dict[Any, Callable[..., Tensor | None]] = {
    aten.bmm.default: matrix_product,
    aten.baddbmm.default: product_and_sum,
    aten.mul.Tensor: times,
    aten.mul.Scalar: times,
    aten.div.Tensor: divided,
    aten.div.Scalar: divided,
    aten.add.Tensor: plus,
    aten.sub.Tensor: minus,
    aten.masked_fill.Scalar: masked_fill,
    aten.masked_fill.Tensor: masked_fill,
    aten.where.self: where,
    aten._to_copy.default: converted,
    aten._softmax.default: softmax,
    **dict.fromkeys(VIEWS, viewed),
    **dict.fromkeys(SAME, same),
}
IN_PLACE: dict[Any, Callable[..., LazyScores | None]] = {
    aten.mul_.Tensor: times,
    aten.mul_.Scalar: times,
    aten.div_.Tensor: divided,
    aten.div_.Scalar: divided,
    aten.add_.Tensor: plus,
    aten.sub_.Tensor: minus,
    aten.masked_fill_.Scalar: masked_fill,
    aten.masked_fill_.Tensor: masked_fill,
}
WHOLE = {*KNOWN, aten.einsum.default}
