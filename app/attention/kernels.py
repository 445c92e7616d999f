"""Scaled dot-product attention (Vaswani et al. 2017, eq. 1), with every step computed.

attend()          explicit: scores -> mask -> softmax -> weighted sum; every step can be edited
pattern_window()  any window of the pattern from q, k and the log-sum-exp; log_pattern_window() is its logarithm

`fused.py` computes the same output and row log-sum-exp without holding the map.
Scores, softmax and log-sum-exp are computed in float32 or wider, whatever the dtype of q and k; z has the dtype of v.

Axis letters: b batch, h query head, g key/value head, r query heads per key/value head,
i query row, j key column, d width of a head, e width of a value. Query head h uses key/value head g = h // r.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import ShapeMismatch
from .rules import Rule
from .terms import Terms

Step = Callable[[Tensor], Tensor]


def unchanged(x: Tensor) -> Tensor:
    return x


def at_least_float32(x: Tensor) -> Tensor:
    """[...] -> [...], half precision widened to float32; float32 and float64 unchanged."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def dot(q: Tensor, k: Tensor, scale: float) -> Tensor:
    """[b h i d], [b g j d] -> [b h i j] = q . k * scale; float32 or wider."""
    q, k = at_least_float32(q), at_least_float32(k)
    b, h, i, d = q.shape
    grouped = q.reshape(b, k.shape[1], h // k.shape[1], i, d)
    return (torch.einsum("bgrid,bgjd->bgrij", grouped, k) * scale).flatten(1, 2)


def scores_of(q: Tensor, k: Tensor, terms: Terms, rows: range, columns: range) -> Tensor:
    """q [b h rows d], k [b g columns d] of a window -> scores [b h rows columns], before mask and softmax.

    float32 or wider.
    """
    q, k = at_least_float32(q), at_least_float32(k)
    scores = dot(q, k, terms.scale)
    if terms.softcap is not None:
        scores = torch.tanh(scores / terms.softcap) * terms.softcap
    if terms.bias is not None:
        scores = scores + terms.bias.block(q, k, rows, columns).to(scores.dtype)
    return scores


def mix(pattern: Tensor, v: Tensor) -> Tensor:
    """[b h i j], [b g j e] -> z [b h i e], the weighted sum of the values, in the dtype of v."""
    pattern = pattern.to(v.dtype)
    b, h, i, j = pattern.shape
    grouped = pattern.reshape(b, v.shape[1], h // v.shape[1], i, j)
    return torch.einsum("bgrij,bgje->bgrie", grouped, v).flatten(1, 2)


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


def without_sinks(x: Tensor, lse: Tensor, terms: Terms) -> Tensor:
    """Pattern or z [b h i ...] -> the same times the share of each row's weight that does not go to its sink."""
    if terms.sinks is None:
        return x
    share = (lse - terms.with_sinks(lse)).exp()
    return x * share[..., None].to(x.dtype)


def check(q: Tensor, k: Tensor, v: Tensor | None, rule: Rule) -> None:
    """Raises ShapeMismatch, with both shapes, if q, k, v and the rule do not fit together."""
    if q.ndim != 4 or k.ndim != 4 or q.shape[0] != k.shape[0] or q.shape[-1] != k.shape[-1] or q.shape[1] % k.shape[1]:
        raise ShapeMismatch(f"q {list(q.shape)} and k {list(k.shape)} are not [b h i d] and [b g j d], g dividing h")
    if 0 in q.shape or 0 in k.shape:
        # torch's flash kernel divides by the length and would end the process.
        raise ShapeMismatch(f"q {list(q.shape)} and k {list(k.shape)}: nothing attends to nothing")
    if v is not None and v.shape[:3] != k.shape[:3]:
        raise ShapeMismatch(f"k {list(k.shape)} and v {list(v.shape)} differ in batch, heads or keys")
    for name, own, of_rule in (("batch", q.shape[0], rule.batch), ("heads", q.shape[1], rule.heads)):
        if of_rule not in (1, own):
            raise ShapeMismatch(f"the mask is for {of_rule} and q {list(q.shape)} has {own}: they differ in {name}")
    if (rule.queries, rule.keys) != (q.shape[2], k.shape[2]):
        stated = [rule.queries, rule.keys]
        raise ShapeMismatch(
            f"the mask is for {stated} queries and keys, q {list(q.shape)} and k {list(k.shape)} have more or fewer"
        )


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    terms: Terms,
    *,
    scores_step: Step = unchanged,
    pattern_step: Step = unchanged,
) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j e] -> z [b h i e], log-sum-exp without sinks [b h i]; holds the whole map.

    `scores_step` and `pattern_step` receive, and may replace, scores and pattern, both [b h i j].
    Both results have a gradient. Raises ShapeMismatch.
    """
    check(q, k, v, terms.rule)
    scores = scores_step(scores_of(q, k, terms, range(q.shape[2]), range(k.shape[2])))
    pattern, lse = masked_softmax(scores, terms.rule.whole(q.device))
    return mix(pattern_step(without_sinks(pattern, lse, terms)), v), lse


def pattern_window(q: Tensor, k: Tensor, lse: Tensor, rows: range, columns: range, terms: Terms) -> Tensor:
    """[b h i d], [b g j d], [b h i] -> pattern [b h rows columns]; the cost depends on the window alone.

    pattern[i, j] = exp(score[i, j] - lse_i) where i may attend to j, else 0 (Dao et al. 2022: the log-sum-exp of a row
    is all that flash attention keeps of its softmax).
    The product here and the one inside the kernel round differently, so a row sums to 1 only within about
    1e-7 times its largest score; capture.layer computes its own log-sum-exp for that reason.
    Raises ShapeMismatch where the window leaves the map.
    """
    return log_pattern_window(q, k, lse, rows, columns, terms).exp_()


def log_pattern_window(q: Tensor, k: Tensor, lse: Tensor, rows: range, columns: range, terms: Terms) -> Tensor:
    """As pattern_window(), before exp: minus infinity where i may not attend to j. Computed in the dtype of lse.

    exp is monotonic, so the largest of several weights is exp of the largest of these: one exp instead of many.
    """
    check(q, k, None, terms.rule)
    for name, part, size in (("rows", rows, q.shape[2]), ("columns", columns, k.shape[2])):
        if not (0 <= part.start <= part.stop <= size and part.step == 1):
            raise ShapeMismatch(
                f"{name} {part.start}:{part.stop} are not within 0:{size} of q {list(q.shape)} and k {list(k.shape)}"
            )
    q = q[:, :, rows.start : rows.stop].to(lse.dtype)
    k = k[:, :, columns.start : columns.stop].to(lse.dtype)
    lse = terms.with_sinks(lse[:, :, rows.start : rows.stop], rows)
    exponent = minus_lse(q, k, lse, terms, rows, columns)
    if terms.rule.is_open(rows, columns):
        return exponent
    return exponent.masked_fill_(~terms.rule.block(rows, columns, q.device), -torch.inf)


def minus_lse(q: Tensor, k: Tensor, lse: Tensor, terms: Terms, rows: range, columns: range) -> Tensor:
    """[b h rows d], [b g columns d], [b h rows] -> scores - lse [b h rows columns]."""
    if not terms.is_plain:
        return scores_of(q, k, terms, rows, columns).sub_(lse[..., None])
    b, h, g, d = *q.shape[:2], *k.shape[1::2]
    # Heads that share a key head are stacked as rows, so that one product serves them all.
    q, lse = q.reshape(b * g, -1, d), lse.reshape(b * g, -1, 1)
    return torch.baddbmm(-lse, q, k.flatten(0, 1).mT, alpha=terms.scale).view(b, h, len(rows), len(columns))
