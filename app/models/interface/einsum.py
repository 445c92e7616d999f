"""Products of queries and keys, and of a pattern and values, that a model writes as torch.einsum.

Axis letters of this module: h all heads and sequences together, i query, j key, d width of a head, e width of a value.
"""

from collections.abc import Sequence

from torch import Tensor

from ...attention.core import Core
from .lazy import LazyScores, Scores


def known_einsum(core: Core, equation: str, tensors: Sequence[Tensor]) -> Tensor | None:
    """Scores that are not computed, or z; None for any other product."""
    inputs, _, out = equation.replace(" ", "").partition("->")
    names = inputs.split(",")
    if len(tensors) != 2 or len(names) != 2 or "." in equation or any(len(set(name)) < len(name) for name in names):
        return None
    one, other = tensors
    if isinstance(one, LazyScores):
        return attended(core, one, other, names, out) if one.scores.softmax else None
    return None if isinstance(other, LazyScores) else scores_of(one, other, names, out)


def scores_of(q: Tensor, k: Tensor, names: Sequence[str], out: str) -> LazyScores | None:
    """[... i d], [... j d] -> [... i j], whatever the order of axes of the first two is."""
    heads, i, j = out[:-2], out[-2:-1], out[-1:]
    of_q, of_k = map(set, names)
    d = "".join((of_q & of_k) - set(out))
    if not heads or not d or of_q != {*heads, i, d} or of_k != {*heads, j, d}:
        return None
    flat_q, flat_k = in_order(q, names[0], heads + i + d), in_order(k, names[1], heads + j + d)
    sizes = dict(zip(names[0] + names[1], [*q.shape, *k.shape], strict=True))
    return LazyScores(Scores(flat_q, flat_k), tuple(sizes[axis] for axis in out))


def attended(core: Core, pattern: LazyScores, v: Tensor, names: Sequence[str], out: str) -> Tensor | None:
    """[... i j], [... j e] -> z, with axes in the order of `out`."""
    heads, i, j = names[0][:-2], names[0][-2], names[0][-1]
    e = "".join(set(names[1]) - set(names[0]))
    if isinstance(v, LazyScores) or not e or set(names[1]) != {*heads, j, e} or set(out) != {*heads, i, e}:
        return None
    z = pattern.scores.attend(core, in_order(v, names[1], heads + j + e))
    z = z.view(*pattern.shape[:-1], z.shape[-1])
    return z.permute([(heads + i + e).index(axis) for axis in out])


def in_order(x: Tensor, names: str, wanted: str) -> Tensor:
    """The axes in another order, and all but the last two of them as one."""
    return x.permute([names.index(axis) for axis in wanted]).flatten(0, -3)
