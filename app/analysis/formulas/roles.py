"""What a head does with the attention that is left beside its sink: the rules, and the numbers behind each.

Of GPT-2's 144 heads, 132 look "first token" to whoever asks which score is the largest: the sink hides what they do.
A role is read off the rest. Axis letters: h head, i query row, j key column, n tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .block import Block
from .repeats import earlier_copies, followers_of_copies

# A head plays a role where the share of what is left reaches the role's own threshold, and
TIMES_CHANCE = 2.0  # is so many times what evenly spread attention would give,
FEWEST_QUERIES = 3  # seen at that many queries,
LEAST_LEFT = 0.05  # which give so much to anything but the sink.
COLLAPSED = 0.9  # of all attention: above it, a head rests on its sink
LEANS = 0.5  # of all attention: from there on, a head of an encoder looks at delimiters
CHOICE = (
    f"of the attention that is left beside the sink; at least {TIMES_CHANCE:g} times what evenly spread attention "
    f"would give, at {FEWEST_QUERIES} queries or more, where {LEAST_LEFT:.0%} or more are left"
)


@dataclass(frozen=True)
class Rest:
    """A block of rows without its sink.

    sink: [h i], the weight on the sink
    seen: [i j], True where a query may attend to a key that is not the sink
    left: [h i], the weight on those keys; summed, not 1 - sink, which rounding can take below 0
    """

    block: Block
    sink: Tensor
    seen: Tensor
    left: Tensor


@dataclass(frozen=True)
class Role:
    """threshold: of the share of what is left; `of`: [h i j] -> got [h i], by chance [i] (not a number where chance
    gives nothing to compare with), counted [i]."""

    name: str
    title: str
    rule: str
    threshold: float
    of: Callable[[Rest], tuple[Tensor, Tensor, Tensor]]


def rest_of(block: Block) -> Rest:
    """The sink: special tokens, and of a causal model the first token as well."""
    sink = block.of_keys(sink_of(block))
    may = block.keys <= block.queries if block.text.causal else torch.ones_like(block.keys <= block.queries)
    # Keys that a query may not attend to have weight 0, so that the sum over all keys but the sink is that of `seen`.
    return Rest(block, block.mass_on(sink), may & ~sink, block.mass_on(~sink))


def sink_of(block: Block) -> Tensor:
    """[n]."""
    first = torch.arange(len(block.text.ids), device=block.text.ids.device) == 0
    return block.text.special | first if block.text.causal else block.text.special


def on(chosen: Callable[[Block], Tensor]) -> Callable[[Rest], tuple[Tensor, Tensor, Tensor]]:
    """The share of the chosen keys, [j] or [i j]; counted where a query sees one of them and another key."""

    def of(rest: Rest) -> tuple[Tensor, Tensor, Tensor]:
        targets = chosen(rest.block) & rest.seen
        many, all_of_them = targets.sum(-1), rest.seen.sum(-1)
        return rest.block.mass_on(targets), many / all_of_them.clamp(min=1), (many > 0) & (many < all_of_them)

    return of


def evenly(rest: Rest) -> tuple[Tensor, Tensor, Tensor]:
    """Normalised entropy of the weights that are left: 1 where they are equal, 0 where one key has all."""
    many = rest.seen.sum(-1)
    # Where nothing is left there is no distribution: the row adds nothing to the share.
    shares = (rest.block.weights * rest.seen / rest.left[..., None]).nan_to_num(nan=0.0)
    entropy = torch.special.entr(shares).sum(-1) / many.clamp(min=2).log()
    by_chance = torch.full_like(many, torch.nan, dtype=shares.dtype)
    return rest.left * entropy.clamp(max=1), by_chance, many > 1


def beside(offset: int) -> Callable[[Block], Tensor]:
    return lambda block: block.keys == block.queries + offset


def of_punctuation(block: Block) -> Tensor:
    return block.of_keys(block.text.punctuation)


ROLES = (
    Role("previous", "previous token", "40 % or more goes to the token before", 0.4, on(beside(-1))),
    Role("next", "next token", "40 % or more goes to the token after", 0.4, on(beside(1))),
    Role("self", "itself", "40 % or more stays where it is", 0.4, on(beside(0))),
    Role("duplicate", "duplicate token", "40 % or more goes to earlier copies of the token", 0.4, on(earlier_copies)),
    Role("induction", "induction", "40 % or more goes to what followed an earlier copy", 0.4, on(followers_of_copies)),
    Role("punctuation", "punctuation", "40 % or more goes to punctuation", 0.4, on(of_punctuation)),
    Role("broad", "broad", "it is spread over what is seen: 90 % or more of the entropy that is possible", 0.9, evenly),
)
RESTS = f"more than {COLLAPSED:.0%} of all attention goes to the sink"
DELIMITER = f"of an encoder: {LEANS:.0%} or more of all attention goes to special tokens"
