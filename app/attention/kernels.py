"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1), three ways.

attend()        explicit: scores -> mask -> softmax -> weighted sum; the textbook, and what edits need
attend_fused()  the same in a fused kernel that never holds the map, and its row log-sum-exp
tile()          any window of the map, exactly, from q, k and that log-sum-exp; log_tile() its logarithm

Axis letters: b batch, h query head, g key/value head, r query heads per key/value head,
i query row, j key column, d width of a head. Query head h reads key/value head g = h // r.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import ShapeMismatch
from .masks import MayAttend

# 512 rows of 12 heads and 1,024 keys in float32 are 25 MB: inside the cache of few, beyond the memory of none.
ROWS_PER_BLOCK = 512

Step = Callable[[Tensor], Tensor]


def unchanged(x: Tensor) -> Tensor:
    return x


def dot(q: Tensor, k: Tensor, scale: float) -> Tensor:
    """[b h i d], [b g j d] -> scores [b h i j] = q . k * scale, before mask and softmax."""
    b, h, i, d = q.shape
    grouped = q.reshape(b, k.shape[1], h // k.shape[1], i, d)
    return (torch.einsum("bgrid,bgjd->bgrij", grouped, k) * scale).flatten(1, 2)


def mix(pattern: Tensor, v: Tensor) -> Tensor:
    """[b h i j], [b g j d] -> z [b h i d], the weighted sum of the values."""
    b, h, i, j = pattern.shape
    grouped = pattern.reshape(b, v.shape[1], h // v.shape[1], i, j)
    return torch.einsum("bgrij,bgjd->bgrid", grouped, v).flatten(1, 2)


def masked_softmax(scores: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
    """[b h i j] -> pattern [b h i j] and log-sum-exp [b h i].

    A row that may look at nothing gets zeros and a log-sum-exp of minus infinity: softmax would say NaN.
    """
    masked = scores.masked_fill(~allowed, -torch.inf)
    lse = masked.logsumexp(-1)
    return weights(scores, lse, allowed), lse


def weights(scores: Tensor, lse: Tensor, allowed: Tensor) -> Tensor:
    """[b h i j], [b h i] -> exp(scores - lse) where allowed, else exactly 0."""
    # Masked before exp as well: where() stops an infinity, but not its gradient's NaN.
    exponent = (scores - lse[..., None]).masked_fill(~allowed, -torch.inf)
    return exponent.exp()


def check(q: Tensor, k: Tensor, v: Tensor | None, may_attend: MayAttend) -> None:
    """Raises ShapeMismatch, naming both shapes, where q, k, v and the mask do not go together."""
    if q.ndim != 4 or k.ndim != 4 or q.shape[0] != k.shape[0] or q.shape[-1] != k.shape[-1] or q.shape[1] % k.shape[1]:
        raise ShapeMismatch(f"q {list(q.shape)} and k {list(k.shape)} are not [b h i d] and [b g j d], g dividing h")
    if 0 in q.shape or 0 in k.shape:
        # torch's flash kernel divides by the length: the process would end without a word.
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

    `scores_step` and `pattern_step` see, and may replace, scores and pattern, both [b h i j].
    """
    check(q, k, v, may_attend)
    scores = scores_step(dot(q, k, scale))
    pattern, lse = masked_softmax(scores, may_attend.whole(q.device))
    return mix(pattern_step(pattern), v), lse


def attend_fused(q: Tensor, k: Tensor, v: Tensor, may_attend: MayAttend, scale: float) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j d] -> z [b h i d], log-sum-exp [b h i].

    On the CPU and without a mask but the causal one, no part of the map is held; else a block of rows at a time.
    """
    check(q, k, v, may_attend)
    fits_kernel = may_attend.is_full or may_attend.is_plain_causal
    if q.device.type == "cpu" and fits_kernel and v.shape[-1] == q.shape[-1]:
        return attend_flash(q, k, v, may_attend.causal, scale)
    return attend_by_rows(q, k, v, may_attend, scale)


def attend_flash(q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float) -> tuple[Tensor, Tensor]:
    """As attend_fused(), by torch's own flash kernel for the CPU: no mask but the causal one."""
    # The kernel takes fewer key/value heads without a word, and then groups them its own way.
    repeats = q.shape[1] // k.shape[1]
    if repeats > 1:
        k, v = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
    z, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal, scale=scale)
    return z, lse


def attend_by_rows(q: Tensor, k: Tensor, v: Tensor, may_attend: MayAttend, scale: float) -> tuple[Tensor, Tensor]:
    """As attend_fused(), in plain tensor operations on a block of query rows at a time: any mask, any device."""
    zs, lses = [], []
    for start in range(0, q.shape[2], ROWS_PER_BLOCK):
        rows = range(start, min(start + ROWS_PER_BLOCK, q.shape[2]))
        allowed = may_attend.block(rows, range(k.shape[2]), q.device)
        pattern, lse = masked_softmax(dot(q[:, :, rows.start : rows.stop], k, scale), allowed)
        zs.append(mix(pattern, v))
        lses.append(lse)
    return torch.cat(zs, 2), torch.cat(lses, 2)


def tile(
    q: Tensor, k: Tensor, lse: Tensor, rows: range, columns: range, *, may_attend: MayAttend, scale: float
) -> Tensor:
    """[b h i d], [b g j d], [b h i] -> pattern [b h rows columns], at a cost that depends on the window alone.

    pattern[i, j] = exp(q_i . k_j * scale - lse_i) where i may attend to j, else 0 (Dao et al. 2022: the
    log-sum-exp of a row is all that flash attention keeps of its softmax).
    Raises ShapeMismatch where the window leaves the map.
    """
    return log_tile(q, k, lse, rows, columns, may_attend=may_attend, scale=scale).exp_()


def log_tile(
    q: Tensor, k: Tensor, lse: Tensor, rows: range, columns: range, *, may_attend: MayAttend, scale: float
) -> Tensor:
    """As tile(), before exp: minus infinity where i may not attend to j.

    exp grows with its argument, so the largest of many weights is exp of the largest of these: one exp for all.
    """
    check(q, k, None, may_attend)
    for name, part, size in (("rows", rows, q.shape[2]), ("columns", columns, k.shape[2])):
        if not (0 <= part.start <= part.stop <= size and part.step == 1):
            raise ShapeMismatch(
                f"{name} {part.start}:{part.stop} are not within 0:{size} of q {list(q.shape)} and k {list(k.shape)}"
            )
    b, h, g, d = *q.shape[:2], *k.shape[1::2]
    # One pass over the window rather than three: heads that share a key head lie under one another.
    # What was kept narrower is widened here, where no more of it is than the window needs.
    q = q[:, :, rows.start : rows.stop].to(lse.dtype).reshape(b * g, -1, d)
    lse = lse[:, :, rows.start : rows.stop].reshape(b * g, -1, 1)
    k = k[:, :, columns.start : columns.stop].to(lse.dtype).flatten(0, 1)
    exponent = torch.baddbmm(-lse, q, k.mT, alpha=scale).view(b, h, len(rows), len(columns))
    if may_attend.is_open(rows, columns):
        return exponent
    return exponent.masked_fill_(~may_attend.block(rows, columns, q.device), -torch.inf)
