"""All row scores: the one table from which the API, the page, the command and the documentation know of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

# What scores are called is wanted long before any is worked out, and torch takes a second to import.
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
    """A number for each query of a head; that of the head is their mean over the queries that are counted.

    formula: with A the pattern, i a query, j a key, n tokens, t_i the token at i
    choice:  what was chosen where sources disagree
    """

    name: str
    title: str
    unit: str
    formula: str
    source: Source
    choice: str

    @property
    def of(self) -> "Callable[[Block], Tensor]":
        """[h i j] -> [h i], not a number where a query is not counted."""
        from .formulas.functions import FUNCTIONS

        return FUNCTIONS[self.name]


ROW_SCORES = (
    RowScore(
        "entropy", "entropy", "bits", "H_i = −Σ_j A_ij log₂ A_ij", CLARK,
        "0 log 0 = 0, and nothing is smoothed (Clark et al. smooth first)"
    ),
    RowScore(
        "normalised_entropy", "entropy of what is possible", "share", "H_i / log₂(keys that i sees)", CLARK,
        "a causal query i sees i + 1 keys; queries that see only one are not counted"
    ),
    RowScore("distance", "distance", "tokens", "Σ_j A_ij |i − j|", VIG, "all queries are counted"
    ),
    RowScore(
        "signed_distance", "signed distance", "tokens", "Σ_j A_ij (j − i)", VIG,
        "below 0 it looks back; not for causal models, where it is minus the distance"
    ),
    RowScore("previous", "previous token", "share", "A_i,i−1", VOITA, "the first query is not counted"
    ),
    RowScore(
        "next", "next token", "share", "A_i,i+1", VOITA,
        "the last query is not counted; not for causal models"
    ),
    RowScore("self", "itself", "share", "A_i,i", CLARK, "all queries are counted"
    ),
    RowScore(
        "first", "first token", "share", "A_i,0", GU,
        "of causal models without the first query, which can look nowhere else; above 0.3, Gu et al. call it a sink"
    ),
    RowScore(
        "delimiter", "delimiters", "share", "Σ_j A_ij over special tokens j", CLARK,
        "all that the tokenizer put in: [CLS] and [SEP]"
    ),
    RowScore(
        "punctuation", "punctuation", "share", "Σ_j A_ij over punctuation j", CLARK,
        "tokens of nothing but punctuation (Unicode categories P); queries that see none are not counted"
    ),
    RowScore(
        "confidence", "confidence", "share", "max_j A_ij", VOITA,
        "without tokens that end a sentence, as queries and as keys; the mean over queries, not the largest of all "
        "weights; above 0.8, Voita et al. call a head confident"
    ),
    RowScore(
        "duplicate", "duplicate token", "share", "Σ_j A_ij over j < i with t_j = t_i", OLSSON,
        "only queries with an earlier copy are counted (TransformerLens counts all), no special tokens"
    ),
    RowScore(
        "induction", "induction", "share", "Σ_j A_ij over j < i with t_j−1 = t_i", OLSSON,
        "only queries with such a key are counted, no special tokens; j = i is none"
    ),
    RowScore(
        "rare", "rarest token", "share", "1 where arg max_j A_ij is the rarest token, else 0", VOITA,
        "rarest: highest id, as vocabularies mostly begin with what is frequent (not so BERT's single characters); "
        "queries that do not see it are not counted",
    ),
)  # fmt: skip
BY_NAME = {score.name: score for score in ROW_SCORES}
