"""What a text costs in memory and time, known before the model runs."""

import math
from dataclasses import dataclass, replace
from typing import Any

from ..records import Keep, ModelCard, StackCard

ROW_BYTES = 4 + 8  # of each row: lse in float32, exact_lse in float64
AT_WORK = 3  # such tensors that are in memory at the same time
# Shorter runs are dominated by overhead and give no estimate of operations per second.
TELLING_OPERATIONS = 1e9


def bytes_of_number(card: ModelCard, keep: Keep) -> int:
    """Of queries and keys: those of a model in half precision are kept as they are."""
    return 4 if card.dtype == keep == "float32" else 2


@dataclass(frozen=True)
class Cost:
    """The cost of capturing one text.

    bytes:      memory of the capture
    squares:    the part of it that grows with the square of the tokens
    fixed:      the part of it that does not depend on the text, but on the target or the model
    tables:     the part of it that depends on the model alone
    limit:      memory limit for all captures together
    seconds:    estimated run time; None before a first run has been timed
    max_tokens: most tokens that this server lets the model read
    text:       memory of the text and its tokens, which are kept with the capture
    events:     memory of the largest event of a stream, which has to fit beside the capture
    working:    memory of what a model makes for all pairs of a query and a key while it runs
    writing:    memory that is needed while the model writes the target; with its longest target, `bytes` is an upper
                limit
    """

    tokens: int
    bytes: int
    limit: int
    seconds: float | None
    max_tokens: int
    text: int = 0
    events: int = 0
    squares: int = 0
    fixed: int = 0
    tables: int = 0
    working: int = 0
    writing: int = 0
    target_tokens: int = 0

    @property
    def kept(self) -> int:
        """Memory of the capture with its text, and until the model has run."""
        return self.bytes + self.text + self.writing + self.working

    @property
    def fits(self) -> bool:
        return self.kept + self.events <= self.limit

    @property
    def most_tokens(self) -> int:
        """The most tokens that the model reads and that fit the limit."""
        memory = max(0, self.limit - self.text - self.events - self.writing - self.fixed)
        each = (self.bytes - self.squares - self.fixed) / self.tokens
        pair = (self.squares + self.working) / self.tokens**2
        # The positive root of each * tokens + pair * tokens**2 = memory, in a form that is right for pair = 0.
        fits = 2 * memory / (each + math.sqrt(each**2 + 4 * pair * memory))
        return min(self.max_tokens, math.floor(fits + 1e-9))


def cost_of(card: ModelCard, tokens: int, target: int, *, keep: Keep, writes: bool, **known: Any) -> Cost:
    """writes: whether the model writes the target; known: the other fields of the cost"""
    # Without the text, what is left depends on the target alone; squares of the text have no part in it.
    fixed, fixed_squares = bytes_kept(card, 0, keep, target), bytes_of_squares(card, 0, target)
    between = bytes_of_squares(replace(card, stacks=tuple(s for s in card.stacks if s.name == "cross")), tokens, target)
    return Cost(
        tokens,
        bytes_kept(card, tokens, keep, target),
        squares=bytes_of_squares(card, tokens, target) - fixed_squares - between,
        fixed=fixed,
        tables=bytes_of_tables(card),
        working=bytes_of_work(card, tokens, target),
        writing=bytes_of_writing(card, tokens, target) if writes else 0,
        target_tokens=target,
        **known,
    )


def bytes_of_work(card: ModelCard, tokens: int, target: int) -> int:
    """Of tensors that grow with the square of the tokens while the model runs: what an operation reads and writes."""
    return math.ceil(AT_WORK * card.work_bytes * max(math.prod(sides(stack, tokens, target)) for stack in card.stacks))


def bytes_of_writing(card: ModelCard, tokens: int, target: int) -> int:
    """Of the keys and values that a decoder keeps while it writes, in float32, and of one layer of them in addition."""
    decoders = [stack for stack in card.stacks if stack.queries == "target"]
    layers = [
        2 * 4 * layer.kv_heads * layer.head_dim * sides(stack, tokens, target)[1]
        for stack in decoders
        for layer in stack.layers
    ]
    return sum(layers) + max(layers, default=0)


def numbers_kept(card: ModelCard, tokens: int, target: int = 0) -> tuple[int, int]:
    """What a capture holds: how many numbers of q [l h i d] and k [l g j d], and how many rows [l h i].

    tokens: of the text; target: tokens of the target, for a model with a decoder
    """
    vectors = rows = 0
    for stack in card.stacks:
        queries, keys = sides(stack, tokens, target)
        for layer in stack.layers:
            vectors += layer.head_dim * (layer.heads * queries + layer.kv_heads * keys)
            rows += layer.heads * queries
    return vectors, rows


def sides(stack: StackCard, tokens: int, target: int) -> tuple[int, int]:
    """The number of queries and of keys of a stack."""
    lengths = {"source": tokens, "target": target}
    return lengths[stack.queries], lengths[stack.keys]


def bytes_kept(card: ModelCard, tokens: int, keep: Keep, target: int = 0) -> int:
    vectors, rows = numbers_kept(card, tokens, target)
    squares = bytes_of_squares(card, tokens, target)
    return vectors * bytes_of_number(card, keep) + rows * ROW_BYTES + squares + bytes_of_tables(card)


def bytes_of_squares(card: ModelCard, tokens: int, target: int = 0) -> int:
    """Of masks and biases that are kept as squares."""
    pairs = [(stack, math.prod(sides(stack, tokens, target))) for stack in card.stacks]
    return math.ceil(sum(layer.pair_bytes * size for stack, size in pairs for layer in stack.layers))


def bytes_of_tables(card: ModelCard) -> int:
    """Of biases by content."""
    return sum(layer.table_bytes for stack in card.stacks for layer in stack.layers)


def operations(card: ModelCard, tokens: int, target: int = 0) -> float:
    """Approximate floating-point operations of one forward pass (Kaplan et al. 2020, section 2.1).

    2 per weight and token, and 4 per pair of tokens, head and element of its width. Embeddings are lookups, and no
    logits are computed.
    """
    assert card.d_model is not None
    found = 0.0
    for stack in card.stacks:
        queries, keys = sides(stack, tokens, target)
        widths = sum(layer.heads * layer.head_dim for layer in stack.layers)
        # The attention from a target to a text adds a third to the weights of a layer of the decoder.
        weights = (4 if stack.name == "cross" else 12) * len(stack.layers) * card.d_model**2
        found += 2.0 * weights * queries + 4.0 * widths * queries * keys
    return found


def pace_of(done: float, seconds: float) -> float:
    """Operations per second of a run of that many; 0 if it was too short to measure."""
    return done / seconds if done >= TELLING_OPERATIONS else 0.0
