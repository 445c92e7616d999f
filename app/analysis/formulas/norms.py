"""The effect of a key on a query: the norm of the weighted value, not only the weight (Kobayashi et al. 2020).

f_h(x_j) = (x_j W_V + b_V) W_O^h is what head h writes for key j. Axis letters: h, e head, g key/value head, i query,
j key, d width of a head, m width of the stream.
"""

import torch
from torch import Tensor


def gram(v: Tensor, out: Tensor, heads: int) -> Tensor:
    """v [g j d], weights of the output projection [m (h d)] -> [j h e], the inner products of f_h(x_j) and f_e(x_j).

    The norms need nothing else: h^2 numbers per key, and neither f itself nor a tensor [n n m].
    """
    groups, _, width = v.shape
    by_head = out.view(len(out), heads, width)
    between = torch.einsum("mhd,mec->hedc", by_head, by_head)
    each = v.repeat_interleave(heads // groups, 0)  # query head h reads group h // (heads // groups)
    return torch.stack([torch.einsum("jd,edc,ejc->je", each[h], between[h], each) for h in range(heads)], 1)


def of_head(pattern: Tensor, gram: Tensor, head: int) -> Tensor:
    """[... j] and [j h e] -> [... j], ||A_ij f_h(x_j)|| = A_ij ||f_h(x_j)||."""
    return pattern * gram[:, head, head].clamp(min=0).sqrt()


def of_all_heads(patterns: Tensor, gram: Tensor) -> Tensor:
    """[h i j] and [j h e] -> [i j], ||sum_h A^h_ij f_h(x_j)||."""
    squared = torch.einsum("hij,jhe,eij->ij", patterns, gram, patterns)
    return squared.clamp(min=0).sqrt()  # rounding can make it negative
