"""What a row score is worked out from: some rows of all heads of a layer, and what is known of the text's tokens.

Axis letters: h head, i query row, j key column, n tokens.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ...records import Token
from .similarity import bits

# A character that is split into several tokens labels each of them, with a number: `é[1/2]`.
PART = re.compile(r"\[\d+/\d+\]$")


@dataclass(frozen=True)
class Text:
    """Of each token, [n]. `causal`: a query sees no key after it.

    special:     put in by the tokenizer, as [CLS] and [SEP]
    ends:        special, and not the first token: it ends a sentence
    punctuation: nothing but punctuation (Unicode categories P)
    rarest:      among the tokens of the text that come last in the model's vocabulary
    """

    ids: Tensor
    special: Tensor
    ends: Tensor
    punctuation: Tensor
    rarest: Tensor
    causal: bool


def text_of(tokens: Sequence[Token], causal: bool, device: torch.device | None = None) -> Text:
    """What the scores need to know of the tokens, where the weights are."""
    ids = torch.tensor([token.id for token in tokens], device=device)
    special = torch.tensor([token.special for token in tokens], device=device)
    marks = [not token.special and is_punctuation(token.text) for token in tokens]
    punctuation = torch.tensor(marks, device=device)
    written = ids.masked_fill(special, -1)
    ends = special & (torch.arange(len(ids), device=device) > 0)
    return Text(ids, special, ends, punctuation, ~special & (written == written.max()), causal)


def is_punctuation(label: str) -> bool:
    """Of a token as it is shown: a space is `·` there, and no punctuation; a piece of a word begins with `##`."""
    bare = PART.sub("", label).strip("·")
    return bool(bare) and all(unicodedata.category(character).startswith("P") for character in bare)


@dataclass(frozen=True)
class Block:
    """weights [h i j]: the pattern, i the queries `rows`, j all keys that any of them may see, from the first."""

    weights: Tensor
    rows: range
    text: Text

    @property
    def queries(self) -> Tensor:
        """[i 1], their positions."""
        return torch.arange(self.rows.start, self.rows.stop, device=self.weights.device)[:, None]

    @property
    def keys(self) -> Tensor:
        """[j], their positions."""
        return torch.arange(self.weights.shape[-1], device=self.weights.device)

    @cached_property
    def entropy(self) -> Tensor:
        """[h i], in bits: more than one score is made of it."""
        return bits(self.weights)

    @cached_property
    def largest(self) -> Tensor:
        """[h i]."""
        return self.weights.amax(-1)

    def of_keys(self, facts: Tensor) -> Tensor:
        """[n] -> [j]."""
        return facts[: self.weights.shape[-1]]

    def of_queries(self, facts: Tensor) -> Tensor:
        """[n] -> [i 1]."""
        return facts[self.rows.start : self.rows.stop, None]

    def sees(self, chosen: Tensor) -> Tensor:
        """[n] -> [i], whether a query may look at one of the chosen tokens."""
        if self.text.causal:
            return chosen.cumsum(0)[self.rows.start : self.rows.stop] > 0
        return chosen.any().expand(len(self.rows))

    def mass_on(self, chosen: Tensor) -> Tensor:
        """What each query gives to the chosen keys, [j] or [i j] -> [h i]."""
        if chosen.ndim == 1:
            return self.weights @ chosen.to(self.weights.dtype)
        found: Tensor = torch.linalg.vecdot(self.weights, chosen.to(self.weights.dtype)[None])
        return found

    @property
    def nothing(self) -> Tensor:
        """[h i], of a score that the text or the model cannot have."""
        return torch.full_like(self.weights[..., 0], torch.nan)

    def only(self, score: Tensor, counted: Tensor) -> Tensor:
        """[h i], not a number where a query is not counted; counted [i]."""
        return score.masked_fill(~counted, torch.nan)
