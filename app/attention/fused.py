"""Scaled dot-product attention that never holds the whole map: output and row log-sum-exp only.

attend_fused()    chooses among the others, by `kernel_for`
attend_flash()    torch's flash kernel for the CPU: full and causal attention
attend_on_cuda()  torch's kernels for CUDA that return a log-sum-exp: full and causal attention
attend_by_rows()  plain tensor operations, a block of query rows at a time: every rule, cap and bias, any device

Axis letters as in `kernels.py`.
"""

from functools import cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from .kernels import at_least_float32, check, masked_softmax, mix, scores_of, without_sinks
from .row_blocks import row_blocks
from .terms import Terms

CudaKernel = Literal["flash", "memory-efficient"]
Kernel = Literal["flash for the CPU", CudaKernel, "rows"]
Capability = tuple[int, int]

AMPERE: Capability = (8, 0)  # from which on CUDA has products in bfloat16, and torch its flash kernel
FLASH_WIDTH = 256  # of a head, at most
MULTIPLE = 8  # which the widths of heads are padded to: the kernels read several numbers at once


def attend_fused(q: Tensor, k: Tensor, v: Tensor, terms: Terms) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j e] -> z [b h i e], log-sum-exp without sinks [b h i].

    Without a mask or with the causal one, no part of the map is held on the CPU and on CUDA; else one block of rows at
    a time. z has a gradient; torch's flash kernel gives the log-sum-exp none. Raises ShapeMismatch.
    """
    check(q, k, v, terms.rule)
    causal, dtype = not terms.rule.is_full, torch.promote_types(torch.promote_types(q.dtype, k.dtype), v.dtype)
    kernel = kernel_for(terms, q.device.type, dtype, max(q.shape[-1], v.shape[-1]), capability(q.device))
    if kernel == "rows":
        z, lse = attend_by_rows(q, k, v, terms)
    elif kernel == "flash for the CPU":
        z, lse = attend_flash(q, k, v, causal=causal, scale=terms.scale)
    else:
        z, lse = attend_on_cuda(q, k, v, kernel=kernel, causal=causal, scale=terms.scale)
    return without_sinks(z, lse, terms), lse


def kernel_for(terms: Terms, device: str, dtype: torch.dtype, width: int, found: Capability | None) -> Kernel:
    """The kernel for queries, keys and values of this dtype, the wider of which have this width.

    Blocks of rows are for other rules, for scores that are capped or have a bias, and where torch has no kernel.
    found: the compute capability of a CUDA device
    """
    if not (terms.is_plain and (terms.rule.is_full or terms.rule.is_lower_triangle)):
        return "rows"
    if device == "cpu":
        return "flash for the CPU"
    if device != "cuda" or found is None:
        return "rows"
    if dtype in (torch.float16, torch.bfloat16) and found >= AMPERE and width <= FLASH_WIDTH:
        return "flash"
    if dtype in (torch.float16, torch.float32) or (dtype == torch.bfloat16 and found >= AMPERE):
        return "memory-efficient"
    return "rows"


@cache
def capability(device: torch.device) -> Capability | None:
    """The compute capability of a CUDA device; None for others, and for those of AMD, whose kernels differ."""
    return torch.cuda.get_device_capability(device) if device.type == "cuda" and torch.version.hip is None else None


def attend_flash(q: Tensor, k: Tensor, v: Tensor, *, causal: bool, scale: float) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j e] -> z [b h i e], log-sum-exp [b h i]; causal needs as many queries as keys."""
    dtype, width = v.dtype, v.shape[-1]
    # In half precision, the kernel's log-sum-exp would be off by 5e-5.
    q, k, v = of_one_width(at_least_float32(q), at_least_float32(k), at_least_float32(v))
    # Heads share key/value heads as in this module: query head h uses key/value head h // r.
    z, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal, scale=scale)
    return z[..., :width].to(dtype), lse


def attend_on_cuda(
    q: Tensor, k: Tensor, v: Tensor, *, kernel: CudaKernel, causal: bool, scale: float
) -> tuple[Tensor, Tensor]:
    """The same on CUDA. Scores, softmax and log-sum-exp are float32 within the kernels."""
    dtype, width, queries = v.dtype, v.shape[-1], q.shape[2]
    common = torch.promote_types(torch.promote_types(q.dtype, k.dtype), v.dtype)
    # The kernels want a key/value head for each query head.
    k, v = (x.repeat_interleave(q.shape[1] // k.shape[1], 1) for x in (k, v))
    q, k, v = of_one_width(q.to(common), k.to(common), v.to(common), MULTIPLE)
    if kernel == "flash":
        z, lse, *_ = torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, causal, False, scale=scale)
    else:
        z, lse, *_ = torch.ops.aten._scaled_dot_product_efficient_attention(
            q, k, v, None, True, 0.0, causal, scale=scale
        )
    return z[..., :width].to(dtype), lse[..., :queries]  # the second kernel returns more rows, a multiple of 32


def of_one_width(q: Tensor, k: Tensor, v: Tensor, multiple: int = 1) -> list[Tensor]:
    """The same with one width, a multiple of that number, and with a last stride of 1."""
    width = -max(q.shape[-1], v.shape[-1]) // multiple * -multiple
    # Zeros change no product. The kernels take the last stride for 1, whatever it is, and would read other memory.
    padded = (pad(x, (0, width - x.shape[-1])) if x.shape[-1] < width else x for x in (q, k, v))
    return [x if x.stride(-1) == 1 else x.contiguous() for x in padded]


def attend_by_rows(q: Tensor, k: Tensor, v: Tensor, terms: Terms) -> tuple[Tensor, Tensor]:
    """[b h i d], [b g j d], [b g j e] -> z [b h i e], log-sum-exp [b h i], both without regard to sinks.

    Of a block of rows, only the keys that it can see are read: a sliding window costs what it is wide.
    """
    zs, lses = [], []
    for rows in row_blocks(q.shape[2], q.shape[0] * q.shape[1] * k.shape[2]):
        columns = terms.rule.visible(rows) or range(1)  # where there is none, one key that is masked
        some_q, some_k = q[:, :, rows.start : rows.stop], k[:, :, columns.start : columns.stop]
        allowed = terms.rule.block(rows, columns, q.device)
        pattern, lse = masked_softmax(scores_of(some_q, some_k, terms, rows, columns), allowed)
        zs.append(mix(pattern, v[:, :, columns.start : columns.stop]))
        lses.append(lse)
    return torch.cat(zs, 2), torch.cat(lses, 2)
