"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1), in three forms.

attend()          explicit: scores -> mask -> softmax -> weighted sum; every step can be edited
attend_fused()    the same output and row log-sum-exp from a fused kernel that never holds the map
pattern_window()  any window of the map from q, k and the log-sum-exp; log_pattern_window() is its logarithm

Scores, softmax and log-sum-exp are computed in float32 or wider, whatever the dtype of q and k; z has the dtype of v.

Axis letters: b batch, h query head, g key/value head, r query heads per key/value head,
i query row, j key column, d width of a head. Query head h uses key/value head g = h // r.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import ShapeMismatch
from .masks import MayAttend

# 512 rows of 12 heads and 1,024 keys in float32 take 25 MB.
ROWS_PER_BLOCK = 512

Step = Callable[[Tensor], Tensor]


def unchanged(x: Tensor) -> Tensor:
    return x


def at_least_float32(x: Tensor) -> Tensor:
    """[...] -> [...], half precision widened to float32; float32 and float64 unchanged."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def dot(q: Tensor, k: Tensor, scale: float) -> Tensor:
    """[b h i d], [b g j d] -> scores [b h i j] = q . k * scale, before mask and softmax; float32 or wider."""
    q, k = at_least_float32(q), at_least_float32(k)
    b, h, i, d = q.shape
    grouped = q.reshape(b, k.shape[1], h // k.shape[1], i, d)
    return (torch.einsum("bgrid,bgjd->bgrij", grouped, k) * scale).flatten(1, 2)


def mix(pattern: Tensor, v: Tensor) -> Tensor:
    """[b h i j], [b g j d] -> z [b h i d], the weighted sum of the values, in the dtype of v."""
    pattern = pattern.to(v.dtype)
    b, h, i, j = pattern.shape
    grouped = pattern.reshape(b, v.shape[1], h // v.shape[1], i, j)
    return torch.einsum("bgrij,bgjd->bgrid", grouped, v).flatten(1, 2)


def masked_softmax(scores: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
    """[b h i j] -> pattern [b h i j] and log-sum-exp [b h i].

    A row without any allowed key gets zeros and a log-sum-exp of minus infinity, where softmax alone would give NaN.
    """
    masked = scores.masked_fill(~allowed, -torch.inf)
    # Not exp(scores - lse): for scores of 1e4, float32 rounds lse by 5e-4, and the row's sum would miss 1 by as much.
    # Empty rows are filled before softmax as well: a NaN in softmax would reach the gradient through masked_fill.
    empty = ~allowed.any(-1, keepdim=True)
    pattern = masked.masked_fill(empty, 0.0).softmax(-1).masked_fill(empty, 0.0)
    return pattern, masked.logsumexp(-1)


def check(q: Tensor, k: Tensor, v: Tensor | None, may_attend: MayAttend) -> None:
    """Raises ShapeMismatch, with both shapes, if q, k, v and the mask do not fit together."""
    if q.ndim != 4 or k.ndim != 4 or q.shape[0] != k.shape[0] or q.shape[-1] != k.shape[-1] or q.shape[1] % k.shape[1]:
        raise ShapeMismatch(f"q {list(q.shape)} and k {list(k.shape)} are not [b h i d] and [b g j d], g dividing h")
    if 0 in q.shape or 0 in k.shape:
        # torch's flash kernel divides by the length and would end the process.
        raise ShapeMismatch(f"q {list(q.shape)} and k {list(k.shape)}: nothing attends to nothing")
    if v is not None and v.shape[:3] != k.shape[:3]:
        raise ShapeMismatch(f"k {list(k.shape)} and v {list(v.shape)} differ in batch, heads or keys")
    for name, mask in (("padding", may_attend.padding), ("mask", may_attend.given)):
        if mask is not None and mask.shape[0] not in (1, q.shape[0]):
            raise ShapeMismatch(f"{name} {list(mask.shape)} and q {list(q.shape)} differ in batch")
    given = may_attend.given
    if given is not None and given.shape[1] not in (1, q.shape[1]):
        raise ShapeMismatch(f"mask {list(given.shape)} and q {list(q.shape)} differ in heads")
    if (may_attend.queries, may_attend.keys) != (q.shape[2], k.shape[2]):
        stated = [may_attend.queries, may_attend.keys]
        raise ShapeMismatch(
            f"the mask is for {stated} queries and keys, q {list(q.shape)} and k {list(k.shape)} have more or fewer"
        )


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    may_attend: MayAttend,
    scale: float,
    *,
    scores_step: Step = unchanged,
    pattern_step: Step = unchanged,
) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j d] -> z [b h i d], log-sum-exp [b h i]; holds the whole map.

    `scores_step` and `pattern_step` receive, and may replace, scores and pattern, both [b h i j].
    Both results have a gradient. Raises ShapeMismatch.
    """
    check(q, k, v, may_attend)
    scores = scores_step(dot(q, k, scale))
    pattern, lse = masked_softmax(scores, may_attend.whole(q.device))
    return mix(pattern_step(pattern), v), lse


def attend_fused(q: Tensor, k: Tensor, v: Tensor, may_attend: MayAttend, scale: float) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j d] -> z [b h i d], log-sum-exp [b h i].

    On the CPU, without a mask or with the causal one, no part of the map is held; else one block of rows at a time.
    z has a gradient; torch's flash kernel gives the log-sum-exp none. Raises ShapeMismatch.
    """
    check(q, k, v, may_attend)
    fits_kernel = may_attend.is_full or may_attend.is_plain_causal
    if q.device.type == "cpu" and fits_kernel and v.shape[-1] == q.shape[-1]:
        return attend_flash(q, k, v, may_attend.causal, scale)
    return attend_by_rows(q, k, v, may_attend, scale)


def attend_flash(q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> tuple[Tensor, Tensor]:
    """As attend_fused(), by torch's flash kernel for the CPU: no mask, or the causal one."""
    dtype = v.dtype
    # In half precision, the kernel's log-sum-exp would be off by 5e-5.
    q, k, v = at_least_float32(q), at_least_float32(k), at_least_float32(v)
    # The kernel takes the last stride for 1, whatever it is, and would read other memory.
    q, k, v = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k, v))
    repeats = q.shape[1] // k.shape[1]
    if repeats > 1:
        k, v = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
    z, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal, scale=scale)
    return z.to(dtype), lse


def attend_by_rows(q: Tensor, k: Tensor, v: Tensor, may_attend: MayAttend, scale: float) -> tuple[Tensor, Tensor]:
    """As attend_fused(), in plain tensor operations, one block of query rows at a time: any mask, any device."""
    zs, lses = [], []
    for start in range(0, q.shape[2], ROWS_PER_BLOCK):
        rows = range(start, min(start + ROWS_PER_BLOCK, q.shape[2]))
        allowed = may_attend.block(rows, range(k.shape[2]), q.device)
        pattern, lse = masked_softmax(dot(q[:, :, rows.start : rows.stop], k, scale), allowed)
        zs.append(mix(pattern, v))
        lses.append(lse)
    return torch.cat(zs, 2), torch.cat(lses, 2)


def pattern_window(
    q: Tensor, k: Tensor, lse: Tensor, rows: range, columns: range, *, may_attend: MayAttend, scale: float
) -> Tensor:
    """[b h i d], [b g j d], [b h i] -> pattern [b h rows columns]; the cost depends on the window alone.

    pattern[i, j] = exp(q_i . k_j * scale - lse_i) where i may attend to j, else 0 (Dao et al. 2022: the
    log-sum-exp of a row is all that flash attention keeps of its softmax).
    The product here and the one inside the kernel round differently, so a row sums to 1 only within about
    1e-7 times its largest score; capture.layer computes its own log-sum-exp for that reason.
    Raises ShapeMismatch where the window leaves the map.
    """
    return log_pattern_window(q, k, lse, rows, columns, may_attend=may_attend, scale=scale).exp_()


def log_pattern_window(
    q: Tensor, k: Tensor, lse: Tensor, rows: range, columns: range, *, may_attend: MayAttend, scale: float
) -> Tensor:
    """As pattern_window(), before exp: minus infinity where i may not attend to j. Computed in the dtype of lse.

    exp is monotonic, so the largest of several weights is exp of the largest of these: one exp instead of many.
    """
    check(q, k, None, may_attend)
    for name, part, size in (("rows", rows, q.shape[2]), ("columns", columns, k.shape[2])):
        if not (0 <= part.start <= part.stop <= size and part.step == 1):
            raise ShapeMismatch(
                f"{name} {part.start}:{part.stop} are not within 0:{size} of q {list(q.shape)} and k {list(k.shape)}"
            )
    b, h, g, d = *q.shape[:2], *k.shape[1::2]
    # Heads that share a key head are stacked as rows, so that one product serves them all. What was kept in half
    # precision is widened here, where it is no larger than the window.
    q = q[:, :, rows.start : rows.stop].to(lse.dtype).reshape(b * g, -1, d)
    lse = lse[:, :, rows.start : rows.stop].reshape(b * g, -1, 1)
    k = k[:, :, columns.start : columns.stop].to(lse.dtype).flatten(0, 1)
    exponent = torch.baddbmm(-lse, q, k.mT, alpha=scale).view(b, h, len(rows), len(columns))
    if may_attend.is_open(rows, columns):
        return exponent
    return exponent.masked_fill_(~may_attend.block(rows, columns, q.device), -torch.inf)
