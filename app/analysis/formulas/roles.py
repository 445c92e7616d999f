"""Roles of heads: what a head does with the attention outside its sink. The rules, and the numbers behind each.

For 132 of GPT-2's 144 heads (92 %), the largest score is the weight on the first token, which hides what else they do.
So a role is computed from the attention outside the sink. Axis letters: h head, i query row, j key column, n tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .block import Block
from .repeats import earlier_copies, followers_of_copies

# A head has a role if its share of the attention outside the sink reaches the threshold of the role, and
TIMES_UNIFORM = 2.0  # is at least this many times the share under uniform attention,
MIN_QUERIES = 3  # for at least this many queries,
MIN_OUTSIDE_SINK = 0.05  # with at least this share of all attention outside the sink.
SINK_THRESHOLD = 0.9  # share of all attention: above it, a head is sink-dominated
DELIMITER_THRESHOLD = 0.5  # share of all attention: from it on, a head of an encoder is a delimiter head
CHOICE = (
    "The percentage of a rule is a share of the attention outside the sink. "
    f"This share must be at least {TIMES_UNIFORM:g} times the share under uniform attention. "
    f"At least {MIN_QUERIES} queries must be counted, and on average they must give at least {MIN_OUTSIDE_SINK:.0%} of "
    "their attention to keys outside the sink."
)


@dataclass(frozen=True)
class Rest:
    """A block of rows, divided into the sink and the rest.

    sink: [h i], the mass on the sink
    seen: [i j], True where a query can see a key that is not in the sink
    left: [h i], the mass on these keys; their sum, since 1 - sink can be negative after rounding
    """

    block: Block
    sink: Tensor
    seen: Tensor
    left: Tensor


@dataclass(frozen=True)
class Role:
    """A role.

    threshold: the smallest share of the attention outside the sink
    of:        (mass [h i], share under uniform attention [i] or NaN if there is no comparison, counted [i])
    """

    name: str
    title: str
    rule: str
    threshold: float
    of: Callable[[Rest], tuple[Tensor, Tensor, Tensor]]


def rest_of(block: Block) -> Rest:
    """The sink is all special tokens and, in a causal model, also the first token."""
    sink = block.of_keys(sink_of(block))
    # Keys that a query cannot see have weight 0, so the sum over all keys outside the sink is the sum over `seen`.
    return Rest(block, block.mass_on(sink), block.may & ~sink, block.mass_on(~sink))


def sink_of(block: Block) -> Tensor:
    """[n], True for the tokens of the sink."""
    first = torch.arange(len(block.text.ids), device=block.text.ids.device) == 0
    return block.text.special | first if block.text.causal else block.text.special


def mass_on(chosen: Callable[[Block], Tensor]) -> Callable[[Rest], tuple[Tensor, Tensor, Tensor]]:
    """The role of attending to the chosen keys, [j] or [i j]. Counted: queries that see one of them and another key."""

    def of(rest: Rest) -> tuple[Tensor, Tensor, Tensor]:
        targets = chosen(rest.block) & rest.seen
        chosen_count, seen_count = targets.sum(-1), rest.seen.sum(-1)
        counted = (chosen_count > 0) & (chosen_count < seen_count)
        return rest.block.mass_on(targets), chosen_count / seen_count.clamp(min=1), counted

    return of


def uniformity(rest: Rest) -> tuple[Tensor, Tensor, Tensor]:
    """The mass times the normalised entropy of the weights outside the sink: 1 if they are equal, 0 for one key."""
    seen_count = rest.seen.sum(-1)
    # A row without any attention outside the sink has no distribution there, and adds nothing to the share.
    shares = (rest.block.weights * rest.seen / rest.left[..., None]).nan_to_num(nan=0.0)
    entropy = torch.special.entr(shares).sum(-1) / seen_count.clamp(min=2).log()
    no_comparison = torch.full_like(seen_count, torch.nan, dtype=shares.dtype)
    return rest.left * entropy.clamp(max=1), no_comparison, seen_count > 1


def at_offset(offset: int) -> Callable[[Block], Tensor]:
    return lambda block: block.keys == block.queries + offset


def of_punctuation(block: Block) -> Tensor:
    return block.of_keys(block.text.punctuation)


ROLES = (
    Role("previous", "previous token", "at least 40% on the token before", 0.4, mass_on(at_offset(-1))),
    Role("next", "next token", "at least 40% on the token after", 0.4, mass_on(at_offset(1))),
    Role("self", "itself", "at least 40% on the token itself", 0.4, mass_on(at_offset(0))),
    Role("duplicate", "duplicate token", "at least 40% on earlier copies of the token", 0.4, mass_on(earlier_copies)),
    Role("induction", "induction", "at least 40% on tokens after earlier copies", 0.4, mass_on(followers_of_copies)),
    Role("punctuation", "punctuation", "at least 40% on punctuation", 0.4, mass_on(of_punctuation)),
    Role(
        "broad",
        "broad",
        "spread widely: the normalised entropy of the attention outside the sink is at least 90%",
        0.9,
        uniformity,
    ),
)
SINK_DOMINATED = f"more than {SINK_THRESHOLD:.0%} of all attention on the sink"
DELIMITER = f"only in encoders: at least {DELIMITER_THRESHOLD:.0%} of all attention on special tokens"
