"""The input of a row score: some rows of all heads of a layer, and properties of the tokens.

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

# A token that is part of a character has that character and a number as its label: `é[1/2]`.
PART = re.compile(r"\[\d+/\d+\]$")


@dataclass(frozen=True)
class Text:
    """Properties of each token, [n].

    special:     added by the tokenizer, as [CLS] and [SEP]
    ends:        special, and not the first token: it ends a sentence
    punctuation: consists of punctuation (Unicode categories P)
    rarest:      has the highest id in this text, special tokens left out
    causal:      True where a query can see no later key
    """

    ids: Tensor
    special: Tensor
    ends: Tensor
    punctuation: Tensor
    rarest: Tensor
    causal: bool


@dataclass(frozen=True)
class Texts:
    """The text of the queries and that of the keys; the same object where they are the same text."""

    queries: Text
    keys: Text


def text_of(tokens: Sequence[Token], causal: bool, device: torch.device | None = None) -> Text:
    """The properties of these tokens, on the device of the weights."""
    ids = torch.tensor([token.id for token in tokens], device=device)
    special = torch.tensor([token.special for token in tokens], device=device)
    marks = [not token.special and is_punctuation(token.text) for token in tokens]
    punctuation = torch.tensor(marks, device=device)
    written = ids.masked_fill(special, -1)
    ends = special & (torch.arange(len(ids), device=device) > 0)
    return Text(ids, special, ends, punctuation, ~special & (written == written.max()), causal)


def is_punctuation(label: str) -> bool:
    """`label` is the visible text of a token: `·` is a space and not punctuation; `##` begins a continuation."""
    bare = PART.sub("", label).strip("·")
    return bool(bare) and all(unicodedata.category(character).startswith("P") for character in bare)


@dataclass(frozen=True)
class Block:
    """weights [h i j]: the pattern of the queries `rows`, from the first key to the last one that they can see.

    text:            of the keys
    text_of_queries: None: the same text
    allowed:         [i j], True where a query may attend to a key; None: to all, or in a causal text to no later one
    "Mass" is a sum of weights of one query: the share of its attention that some keys get.
    """

    weights: Tensor
    rows: range
    text: Text
    text_of_queries: Text | None = None
    allowed: Tensor | None = None

    @cached_property
    def may(self) -> Tensor:
        """[i j], True where a query may attend to a key."""
        if self.allowed is not None:
            return self.allowed
        return self.keys <= (self.queries if self.text.causal else len(self.keys) + 0 * self.queries)

    @property
    def query_text(self) -> Text:
        """The text that the queries are tokens of."""
        return self.text_of_queries or self.text

    @property
    def is_cross(self) -> bool:
        """Queries are tokens of one text and keys those of another."""
        return self.query_text is not self.text

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
        """[h i], in bits. Several scores use it."""
        return bits(self.weights)

    @cached_property
    def largest(self) -> Tensor:
        """[h i]."""
        return self.weights.amax(-1)

    def of_keys(self, values: Tensor) -> Tensor:
        """[n] -> [j]."""
        return values[: self.weights.shape[-1]]

    def of_queries(self, values: Tensor) -> Tensor:
        """[n] -> [i 1]."""
        return values[self.rows.start : self.rows.stop, None]

    def sees(self, chosen: Tensor) -> Tensor:
        """[n] -> [i], True where a query can see one of the chosen tokens."""
        return (self.may & self.of_keys(chosen)).any(-1)

    def mass_on(self, chosen: Tensor) -> Tensor:
        """The mass of each query on the chosen keys, [j] or [i j] -> [h i]."""
        if chosen.ndim == 1:
            return self.weights @ chosen.to(self.weights.dtype)
        found: Tensor = torch.linalg.vecdot(self.weights, chosen.to(self.weights.dtype)[None])
        return found

    @property
    def nothing(self) -> Tensor:
        """[h i], all NaN: for a score that this text or model does not have."""
        return torch.full_like(self.weights[..., 0], torch.nan)

    def only(self, score: Tensor, counted: Tensor) -> Tensor:
        """[h i], NaN where a query is not counted; counted [i]."""
        return score.masked_fill(~counted, torch.nan)
