"""What operations of torch give for scores that are not computed: the next lazy tensor; None if that is not known."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...attention.core import Core
from .content import LazyContent, gathered
from .lazy import MASKED, LazyScores, Scores, given
from .lazy_tensor import LazyTensor

aten = torch.ops.aten
VIEWS = {aten.view.default, aten._unsafe_view.default, aten.reshape.default}
SAME = {aten.detach.default, aten.alias.default, aten.clone.default, aten.contiguous.default, aten.expand.default}


def product(_: Core, q: Tensor, k: Tensor, scale: float = 1.0) -> LazyScores | None:
    """[h i d] @ [h d j]: scores, unless a pattern is multiplied with values."""
    if isinstance(q, LazyTensor) or isinstance(k, LazyTensor):
        return None
    return LazyScores(Scores(q, k.mT, scale), (q.shape[0], q.shape[1], k.shape[2]))


def matrix_product(core: Core, one: Tensor, other: Tensor) -> Tensor | None:
    """A product of batches of matrices: of queries and keys, or of a pattern and values."""
    if isinstance(one, LazyScores) and one.scores.softmax and not isinstance(other, LazyTensor):
        return one.scores.attend(core, other)
    return product(core, one, other)


def product_and_sum(
    core: Core, added: Tensor, q: Tensor, k: Tensor, *, beta: float = 1.0, alpha: float = 1.0
) -> Tensor | None:
    """beta * added + alpha * (q @ k)."""
    found = product(core, q, k, float(alpha))
    return None if found is None else plus(core, found, added, alpha=beta)


def changed(lazy: LazyScores, scores: Scores) -> LazyScores:
    return LazyScores(scores, tuple(lazy.shape), lazy.dtype)


def number_of(x: Any) -> float | None:
    """A number, or the value of a tensor of one element."""
    if isinstance(x, Tensor):
        return x.item() if x.numel() == 1 and not isinstance(x, LazyTensor) else None
    return float(x)


def times(_: Core, lazy: Any, factor: Any) -> LazyTensor | None:
    if not isinstance(lazy, LazyTensor):
        lazy, factor = factor, lazy
    number = number_of(factor)
    if isinstance(lazy, LazyContent):
        return None if number is None else lazy.times(number)
    if number is None or lazy.scores.softmax or lazy.scores.masked is not None:
        return None
    return changed(lazy, lazy.scores.times(number))


def divided(core: Core, lazy: Any, divisor: Any) -> LazyTensor | None:
    number = number_of(divisor)
    return None if number is None or not isinstance(lazy, LazyTensor) else times(core, lazy, 1 / number)


def plus(_: Core, lazy: Any, other: Any, *, alpha: float = 1.0) -> LazyTensor | None:
    if isinstance(lazy, LazyContent) or isinstance(other, LazyContent):
        return plus_content(lazy, other) if alpha == 1 else None
    if not isinstance(lazy, LazyScores):
        if alpha != 1:
            return None
        lazy, other = other, lazy
    if not isinstance(other, Tensor):
        other = torch.tensor(other, dtype=lazy.dtype, device=lazy.device)
    if lazy.scores.softmax or isinstance(other, LazyScores):
        return None
    added = lazy.of_heads(other if alpha == 1 else other * alpha)
    wider = torch.promote_types(lazy.dtype, other.dtype) if other.ndim else lazy.dtype
    return None if added is None else LazyScores(lazy.scores.plus(added), tuple(lazy.shape), wider)


def plus_content(one: Any, other: Any) -> LazyTensor | None:
    """Scores, or other content, or 0, and products with positions."""
    if not isinstance(other, LazyContent):
        one, other = other, one
    if isinstance(one, LazyContent):
        return one.plus(other)
    if not isinstance(one, LazyScores):
        return other.times(1) if number_of(one) == 0 else None
    scores, parts = one.scores, other.parts
    fits = parts and one.shape == other.shape and all(part.shape == scores.shape for part in parts)
    return changed(one, replace(scores, content=scores.content + parts)) if fits and not scores.softmax else None


def gather(_: Core, lazy: Any, axis: int, index: Any, **__: Any) -> LazyContent | None:
    """The products of queries or keys with the position of each distance."""
    if not isinstance(lazy, LazyScores) or not lazy.scores.is_product or axis not in (-1, lazy.ndim - 1):
        return None
    scores = lazy.scores
    found = gathered(scores.q, scores.k, index, lazy.shape)
    return None if found is None else found.times(scores.scale)


def transpose(_: Core, lazy: Any, *axes: int) -> LazyContent | None:
    last = isinstance(lazy, LazyContent) and sorted(axis % lazy.ndim for axis in axes) == [lazy.ndim - 2, lazy.ndim - 1]
    return lazy.transposed() if last else None


def minus(core: Core, lazy: Any, other: Any, *, alpha: float = 1.0) -> LazyTensor | None:
    return plus(core, lazy, other, alpha=-alpha) if isinstance(lazy, LazyScores) else None


def masked_fill(_: Core, lazy: Any, mask: Tensor, value: Any) -> LazyScores | None:
    number = number_of(value)
    if not isinstance(lazy, LazyScores) or lazy.scores.softmax or number is None or number > MASKED:
        return None
    masked = lazy.of_heads(mask)
    return None if masked is None else changed(lazy, lazy.scores.without(masked))


def where(core: Core, condition: Tensor, lazy: Any, value: Any) -> LazyScores | None:
    return None if isinstance(condition, LazyTensor) else masked_fill(core, lazy, ~condition, value)


def viewed(_: Core, lazy: Any, shape: Any) -> LazyScores | None:
    """[h i j] as [b h i j], or back."""
    if not isinstance(lazy, LazyScores):
        return None
    made = torch.empty(lazy.shape, device="meta").view(shape).shape
    return LazyScores(lazy.scores, tuple(made), lazy.dtype) if made[-2:] == lazy.shape[-2:] else None


def same(_: Core, lazy: Any, shape: Any = None, **__: Any) -> LazyScores | None:
    if not isinstance(lazy, LazyScores):
        return None
    unchanged = shape is None or all(new in (-1, old) for new, old in zip(shape, lazy.shape, strict=False))
    return changed(lazy, lazy.scores) if unchanged and (shape is None or len(shape) == lazy.ndim) else None


def converted(_: Core, lazy: Any, *, dtype: torch.dtype | None = None, **__: Any) -> LazyScores | None:
    """To another data type: that of the scores before the softmax, or of the pattern after it."""
    if not isinstance(lazy, LazyScores) or not (dtype or lazy.dtype).is_floating_point:
        return None
    scores = lazy.scores if lazy.scores.softmax or dtype is None else replace(lazy.scores, dtype=dtype)
    return LazyScores(scores, tuple(lazy.shape), dtype or lazy.dtype)


def softmax(_: Core, scores: Tensor, axis: int, *__: Any) -> LazyScores | None:
    """A pattern. Scores that were not followed are kept as a bias of queries and keys that are 0."""
    if axis not in (-1, scores.ndim - 1) or scores.ndim < 3:
        return None
    lazy = scores if isinstance(scores, LazyScores) else given(scores)
    return None if lazy.scores.softmax else changed(lazy, replace(lazy.scores, softmax=True))


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
    aten.gather.default: gather,
    aten.transpose.int: transpose,
    **dict.fromkeys(VIEWS, viewed),
    **dict.fromkeys(SAME, same),
}
IN_PLACE: dict[Any, Callable[..., LazyTensor | None]] = {
    aten.mul_.Tensor: times,
    aten.mul_.Scalar: times,
    aten.div_.Tensor: divided,
    aten.div_.Scalar: divided,
    aten.add_.Tensor: plus,
    aten.sub_.Tensor: minus,
    aten.masked_fill_.Scalar: masked_fill,
    aten.masked_fill_.Tensor: masked_fill,
}
