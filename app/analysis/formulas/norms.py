"""The effect of a key on a query: the norm of the weighted value, not only the weight (Kobayashi et al. 2020).

f_h(x_j) = (x_j W_V + b_V) W_O^h is what head h writes for key j. Axis letters: h, e head, g key/value head, i query,
j key, d width of a head, m width of the stream.
"""

import torch
from torch import Tensor

NUMBERS_PER_BLOCK = 2**21  # 8 MB in float32


def gram(v: Tensor, out: Tensor, heads: int) -> Tensor:
    """v [g j d], weights of the output projection [m (h d)] -> [j h e], the inner products of f_h(x_j) and f_e(x_j).

    The norms need nothing else: h^2 numbers per key. f itself [j h m] is computed for a block of keys at a time.
    """
    groups, _, width = v.shape
    by_head = out.view(len(out), heads, width).permute(1, 2, 0)  # [h d m]
    block = max(1, NUMBERS_PER_BLOCK // (heads * len(out)))
    found = []
    for some in torch.split(v, block, 1):
        each = some.repeat_interleave(heads // groups, 0)  # query head h reads group h // (heads // groups)
        written = (each @ by_head).transpose(0, 1)  # [j h m]
        found.append(written @ written.mT)
    return torch.cat(found)


def of_head(pattern: Tensor, gram: Tensor, head: int) -> Tensor:
    """[... j] and [j h e] -> [... j], ||A_ij f_h(x_j)|| = A_ij ||f_h(x_j)||."""
    return pattern * gram[:, head, head].clamp(min=0).sqrt()


def of_all_heads(patterns: Tensor, gram: Tensor) -> Tensor:
    """[h i j] and [j h e] -> [i j], ||sum_h A^h_ij f_h(x_j)||."""
    squared = torch.einsum("hij,jhe,eij->ij", patterns, gram, patterns)
    return squared.clamp(min=0).sqrt()  # rounding can make it negative
