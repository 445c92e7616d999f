"""How products of queries and keys become attention weights, apart from the queries and keys themselves."""

from dataclasses import dataclass, replace

from torch import Tensor

from .bias import Bias, ByContent, Dense
from .rules import Rule


@dataclass(frozen=True, eq=False)
class Terms:
    """scores[i, j] = cap(q_i . k_j * scale) + bias[i, j], and a softmax over the keys that the rule allows.

    softcap: cap(s) = softcap * tanh(s / softcap) (Gemma Team 2024, section 2); None: cap(s) = s
    bias:    what the model adds to the scores
    sinks:   [h], or [b h i] if it differs from query to query: a further score in the softmax of each row whose weight
             goes to no key (gpt-oss); weights of keys then sum to less than 1
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
        sinks = 0 if self.sinks is None else self.sinks.nbytes
        return self.rule.bytes + (self.bias.bytes if self.bias else 0) + sinks

    @property
    def squares(self) -> list[Tensor]:
        """The tensors whose memory grows with the product of queries and keys."""
        bits = self.rule.bits.squares if self.rule.bits else []
        return [*bits, self.bias.values] if isinstance(self.bias, Dense) else bits

    @property
    def tables(self) -> list[Tensor]:
        """The tensors of a bias by content, whose memory depends on neither queries nor keys."""
        return self.bias.tables if isinstance(self.bias, ByContent) else []

    def of_heads(self, heads: range) -> "Terms":
        """The terms of these heads."""
        return replace(
            self,
            rule=self.rule.of_heads(heads),
            bias=self.bias and self.bias.of_heads(heads),
            sinks=None if self.sinks is None else self.sinks.narrow(self.head_axis, heads.start, len(heads)),
        )

    @property
    def head_axis(self) -> int:
        """Of the sinks."""
        return 0 if self.sinks is None or self.sinks.ndim == 1 else 1

    def with_sinks(self, lse: Tensor, rows: range | None = None) -> Tensor:
        """[b h i] -> [b h i], the log-sum-exp of these rows (None: of all), with the scores of their sinks."""
        if self.sinks is None:
            return lse
        sinks = self.sinks[:, None] if self.sinks.ndim == 1 else self.sinks
        if rows is not None and sinks.ndim == 3:
            sinks = sinks[..., rows.start : rows.stop]
        return lse.logaddexp(sinks.to(lse))
