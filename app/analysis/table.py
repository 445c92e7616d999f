"""The table of row scores. The API, the page, the command and the documentation read it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InvalidInput

# The table is needed before any score is computed, and torch takes a second to import.
if TYPE_CHECKING:
    from torch import Tensor

    from .formulas.block import Block


@dataclass(frozen=True)
class Source:
    title: str
    link: str


CLARK = Source("Clark et al. 2019, What Does BERT Look At?", "https://arxiv.org/abs/1906.04341")
GU = Source("Gu et al. 2024, When Attention Sink Emerges", "https://arxiv.org/abs/2410.10781")
OLSSON = Source("Olsson et al. 2022, In-context Learning and Induction Heads", "https://arxiv.org/abs/2209.11895")
VIG = Source("Vig and Belinkov 2019, Analyzing the Structure of Attention", "https://arxiv.org/abs/1906.04284")
VOITA = Source("Voita et al. 2019, Analyzing Multi-Head Self-Attention", "https://arxiv.org/abs/1905.09418")


@dataclass(frozen=True)
class RowScore:
    """A number for each query of a head. The score of the head is the mean over the queries that are counted.

    formula: A is the pattern, i a query, j a key, n the number of tokens, t_i the token at position i
    choice:  the definition that Headscope uses where sources differ, and the queries that are counted
    within:  why it has no meaning for attention from one text to another; None if it has one
    """

    name: str
    title: str
    unit: str
    formula: str
    source: Source
    choice: str
    within: str | None = None

    @property
    def of(self) -> "Callable[[Block], Tensor]":
        """[h i j] -> [h i], NaN where a query is not counted."""
        from .formulas.functions import FUNCTIONS

        return FUNCTIONS[self.name]


POSITIONS = "positions in two texts cannot be compared"
COPIES = "it looks for earlier copies of a token in the same text"

ROW_SCORES = (
    RowScore(
        "entropy", "entropy", "bits", "H_i = −Σ_j A_ij log₂ A_ij", CLARK,
        "0 log 0 = 0; without smoothing (Clark et al. smooth first)"
    ),
    RowScore(
        "normalised_entropy", "normalised entropy", "share", "H_i / log₂(number of keys that i can see)", CLARK,
        "in a causal model, query i can see i + 1 keys; queries that can see only one key are not counted"
    ),
    RowScore("distance", "distance", "tokens", "Σ_j A_ij |i − j|", VIG, "all queries are counted", within=POSITIONS,
    ),
    RowScore(
        "signed_distance", "signed distance", "tokens", "Σ_j A_ij (j − i)", VIG,
        "negative where a query attends to earlier tokens; not defined for causal models: there it equals minus the "
        "distance", within=POSITIONS,
    ),
    RowScore(
        "previous", "previous token", "share", "A_i,i−1", VOITA, "the first query is not counted", within=POSITIONS,
    ),
    RowScore(
        "next", "next token", "share", "A_i,i+1", VOITA,
        "the last query is not counted; not defined for causal models", within=POSITIONS,
    ),
    RowScore("self", "itself", "share", "A_i,i", CLARK, "all queries are counted", within=POSITIONS,
    ),
    RowScore(
        "first", "first token", "share", "A_i,0", GU,
        "in causal models, the first query is not counted, since it can only attend to itself; Gu et al. call a "
        "head with a value above 0.3 an attention sink"
    ),
    RowScore(
        "delimiter", "delimiters", "share", "Σ_j A_ij over special tokens j", CLARK,
        "special tokens are those that the tokenizer adds, such as [CLS] and [SEP]; queries that can see none of them "
        "are not counted"
    ),
    RowScore(
        "punctuation", "punctuation", "share", "Σ_j A_ij over punctuation j", CLARK,
        "tokens that consist of punctuation (Unicode categories P); queries that can see none of them are not counted"
    ),
    RowScore(
        "confidence", "confidence", "share", "max_j A_ij", VOITA,
        "the special tokens at the end of a sentence are left out, as queries and as keys. Voita et al. call a head "
        "confident if this mean is above 0.8"
    ),
    RowScore(
        "duplicate", "duplicate token", "share", "Σ_j A_ij over j < i with t_j = t_i", OLSSON,
        "only queries whose token occurred before are counted, without special tokens; TransformerLens counts all "
        "queries", within=COPIES,
    ),
    RowScore(
        "induction", "induction", "share", "Σ_j A_ij over j < i with t_j−1 = t_i", OLSSON,
        'only queries whose token occurred before are counted, without special tokens. In "a a", the token after the '
        "earlier copy is the query itself, which is not counted", within=COPIES,
    ),
    RowScore(
        "rare", "rarest token", "share", "1 where arg max_j A_ij is the rarest token, else 0", VOITA,
        "the rarest token is the one with the highest id, because most vocabularies are sorted by frequency. In BERT's "
        "vocabulary, single characters are an exception: they are sorted by code point. Queries that cannot see the "
        "rarest token are not counted",
    ),
)  # fmt: skip
BY_NAME = {score.name: score for score in ROW_SCORES}


def scores_named(names: str | None, option: str = "names") -> list[RowScore]:
    """`entropy,first` -> these scores; None is all of them. Raises InvalidInput, which names the option."""
    listed = list(BY_NAME) if names is None else [name.strip() for name in names.split(",")]
    unknown = [name for name in listed if name not in BY_NAME]
    if unknown or len(set(listed)) < len(listed):
        what = f"{unknown[0][:40]!r} is not a score" if unknown else "name each score once"
        raise InvalidInput(f"{option}: {what}; choose from {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in listed]
