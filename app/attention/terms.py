"""How products of queries and keys become attention weights, apart from the queries and keys themselves."""

from dataclasses import dataclass, replace

from torch import Tensor

from .bias import Bias
from .rules import Rule


@dataclass(frozen=True, eq=False)
class Terms:
    """scores[i, j] = cap(q_i . k_j * scale) + bias[i, j], and a softmax over the keys that the rule allows.

    softcap: cap(s) = softcap * tanh(s / softcap) (Gemma Team 2024, section 2); None: cap(s) = s
    bias:    what the model adds to the scores
    sinks:   [h], a further score in the softmax of each row whose weight goes to no key (gpt-oss); weights of keys then
             sum to less than 1
    """

    rule: Rule
    scale: float
    softcap: float | None = None
    bias: Bias | None = None
    sinks: Tensor | None = None

    @property
    def is_plain(self) -> bool:
        """The scores are q . k * scale, with nothing capped or added."""
        return self.softcap is None and self.bias is None

    @property
    def bytes(self) -> int:
        sinks = 0 if self.sinks is None else self.sinks.numel() * self.sinks.element_size()
        return self.rule.bytes + (self.bias.bytes if self.bias else 0) + sinks

    def of_heads(self, heads: range) -> "Terms":
        """The terms of these heads."""
        return replace(
            self,
            rule=self.rule.of_heads(heads),
            bias=self.bias and self.bias.of_heads(heads),
            sinks=None if self.sinks is None else self.sinks[heads.start : heads.stop],
        )

    def with_sinks(self, lse: Tensor) -> Tensor:
        """[b h i] -> [b h i], the log-sum-exp of each row, with the score of its sink."""
        return lse if self.sinks is None else lse.logaddexp(self.sinks.to(lse)[:, None])
