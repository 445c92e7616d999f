"""Scaled dot-product attention that never holds the whole map: output and row log-sum-exp only.

attend_fused()    chooses between the other two
attend_flash()    torch's flash kernel for the CPU: full and causal attention
attend_by_rows()  plain tensor operations, a block of query rows at a time: every rule, cap and bias, any device

Axis letters as in `kernels.py`.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from .kernels import at_least_float32, check, masked_softmax, mix, scores_of, without_sinks
from .rules import row_blocks
from .terms import Terms


def attend_fused(q: Tensor, k: Tensor, v: Tensor, terms: Terms) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j e] -> z [b h i e], log-sum-exp without sinks [b h i].

    On the CPU, without a mask or with the causal one, no part of the map is held; else one block of rows at a time.
    z has a gradient; torch's flash kernel gives the log-sum-exp none. Raises ShapeMismatch.
    """
    check(q, k, v, terms.rule)
    fits_kernel = terms.is_plain and (terms.rule.is_full or terms.rule.is_lower_triangle)
    if q.device.type == "cpu" and fits_kernel:
        z, lse = attend_flash(q, k, v, causal=not terms.rule.is_full, scale=terms.scale)
    else:
        z, lse = attend_by_rows(q, k, v, terms)
    return without_sinks(z, lse, terms), lse


def attend_flash(q: Tensor, k: Tensor, v: Tensor, *, causal: bool, scale: float) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j e] -> z [b h i e], log-sum-exp [b h i]; causal needs as many queries as keys."""
    dtype, width = v.dtype, v.shape[-1]
    # In half precision, the kernel's log-sum-exp would be off by 5e-5.
    q, k, v = at_least_float32(q), at_least_float32(k), at_least_float32(v)
    if width != q.shape[-1]:  # the kernel wants one width; zeros change no product
        widest = max(width, q.shape[-1])
        q, k, v = (pad(x, (0, widest - x.shape[-1])) for x in (q, k, v))
    # The kernel takes the last stride for 1, whatever it is, and would read other memory.
    q, k, v = (x if x.stride(-1) == 1 else x.contiguous() for x in (q, k, v))
    # Heads share key/value heads as in this module: query head h uses key/value head h // r.
    z, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal, scale=scale)
    return z[..., :width].to(dtype), lse


def attend_by_rows(q: Tensor, k: Tensor, v: Tensor, terms: Terms) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j e] -> z [b h i e], log-sum-exp [b h i], both without regard to sinks.

    Of a block of rows, only the keys that it can see are read: a sliding window costs what it is wide.
    """
    zs, lses = [], []
    for rows in row_blocks(q.shape[2]):
        columns = terms.rule.visible(rows) or range(1)  # where there is none, one key that is masked
        some_q, some_k = q[:, :, rows.start : rows.stop], k[:, :, columns.start : columns.stop]
        allowed = terms.rule.block(rows, columns, q.device)
        pattern, lse = masked_softmax(scores_of(some_q, some_k, terms, rows, columns), allowed)
        zs.append(mix(pattern, v[:, :, columns.start : columns.stop]))
        lses.append(lse)
    return torch.cat(zs, 2), torch.cat(lses, 2)
