"""Attention between given queries, keys and values, with a hook point at each step. It has no weights.

Our own layer holds one; in models whose projections are not ours, one is attached to each attention module.
"""

from torch import Tensor, nn

from .fused import attend_fused
from .hooks import HookPoint
from .kernels import attend
from .terms import Terms


class Core(nn.Module):
    """The part of attention from queries, keys and values to the output of each head (Vaswani et al. 2017, eq. 1).

    Each step is a hook point (`hooks.SHAPES`). The fused kernel runs, and no map is held, unless `scores` or `pattern`
    has a hook; then every step is computed explicitly.
    """

    def __init__(self) -> None:
        super().__init__()
        self.terms = HookPoint()
        self.q, self.k, self.v = HookPoint(), HookPoint(), HookPoint()
        self.scores, self.pattern, self.lse = HookPoint(), HookPoint(), HookPoint()
        self.z = HookPoint()

    def forward(self, q: Tensor, k: Tensor, v: Tensor, terms: Terms) -> Tensor:
        """[b h i d], [b g j d], [b g j e] -> z [b h i e]. Raises ShapeMismatch."""
        terms = self.terms(terms)
        q, k, v = self.q(q), self.k(k), self.v(v)
        if self.scores.watched or self.pattern.watched:
            z, lse = attend(q, k, v, terms, scores_step=self.scores, pattern_step=self.pattern)
        else:
            z, lse = attend_fused(q, k, v, terms)
        self.lse(lse)
        edited: Tensor = self.z(z)
        return edited
