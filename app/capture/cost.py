"""What a text costs in memory and time, known before the model runs."""

import math
from dataclasses import dataclass

from ..records import Keep, LayerCard, ModelCard

ROW_BYTES = 4 + 8  # of each row: lse in float32, exact_lse in float64
# Shorter runs are dominated by overhead and give no estimate of operations per second.
TELLING_OPERATIONS = 1e9


def bytes_of_number(card: ModelCard, keep: Keep) -> int:
    """Of queries and keys: those of a model in half precision are kept as they are."""
    return 2 if "16" in card.dtype + keep else 4


@dataclass(frozen=True)
class Cost:
    """The cost of capturing one text.

    bytes:      memory of the capture
    squares:    the part of it that grows with the square of the tokens
    limit:      memory limit for all captures together
    seconds:    estimated run time; None before a first run has been timed
    max_tokens: most tokens that this server lets the model read
    text:       memory of the text and its tokens, which are kept with the capture
    events:     memory of the largest event of a stream, which has to fit beside the capture
    """

    tokens: int
    bytes: int
    limit: int
    seconds: float | None
    max_tokens: int
    text: int = 0
    events: int = 0
    squares: int = 0

    @property
    def kept(self) -> int:
        """Memory of the capture with its text."""
        return self.bytes + self.text

    @property
    def fits(self) -> bool:
        return self.kept + self.events <= self.limit

    @property
    def most_tokens(self) -> int:
        """The most tokens that the model reads and that fit the limit."""
        memory = max(0, self.limit - self.text - self.events)
        each, pair = (self.bytes - self.squares) / self.tokens, self.squares / self.tokens**2
        # The positive root of each * tokens + pair * tokens**2 = memory, in a form that is right for pair = 0.
        fits = 2 * memory / (each + math.sqrt(each**2 + 4 * pair * memory))
        return min(self.max_tokens, math.floor(fits + 1e-9))


def numbers_kept(card: ModelCard, tokens: int) -> tuple[int, int]:
    """What a capture holds: how many numbers of q [l h i d] and k [l g j d], and how many rows [l h i]."""
    vectors = sum(layer.head_dim * (layer.heads + layer.kv_heads) for layer in layers_of(card))
    return vectors * tokens, sum(layer.heads for layer in layers_of(card)) * tokens


def bytes_kept(card: ModelCard, tokens: int, keep: Keep) -> int:
    vectors, rows = numbers_kept(card, tokens)
    return vectors * bytes_of_number(card, keep) + rows * ROW_BYTES + bytes_of_squares(card, tokens)


def bytes_of_squares(card: ModelCard, tokens: int) -> int:
    """Of masks and biases that are kept as squares."""
    return math.ceil(sum(layer.pair_bytes for layer in layers_of(card)) * tokens**2)


def operations(card: ModelCard, tokens: int) -> float:
    """Approximate floating-point operations of one forward pass (Kaplan et al. 2020, section 2.1).

    2 per weight and token, and 4 per pair of tokens, head and element of its width. Embeddings are lookups, and no
    logits are computed.
    """
    assert card.d_model is not None
    weights = 12 * len(layers_of(card)) * card.d_model**2
    widths = sum(layer.heads * layer.head_dim for layer in layers_of(card))
    return 2.0 * weights * tokens + 4.0 * widths * tokens**2


def pace_of(card: ModelCard, tokens: int, seconds: float) -> float:
    """Operations per second of a run; 0 if it was too short to measure."""
    done = operations(card, tokens)
    return done / seconds if done >= TELLING_OPERATIONS else 0.0


def layers_of(card: ModelCard) -> tuple[LayerCard, ...]:
    """All layers of all stacks."""
    return tuple(layer for stack in card.stacks for layer in stack.layers)
