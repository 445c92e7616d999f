"""What a text costs in memory and time, known before the model runs."""

from dataclasses import dataclass

from ..records import Keep, ModelCard

ROW_BYTES = 4 + 8  # of each row: lse in float32, exact_lse in float64
# Shorter runs are dominated by overhead and give no estimate of operations per second.
TELLING_OPERATIONS = 1e9
KEPT_BYTES: dict[Keep, int] = {"float32": 4, "float16": 2}


@dataclass(frozen=True)
class Cost:
    """The cost of capturing one text.

    bytes:      memory of the capture
    limit:      memory limit for all captures together
    seconds:    estimated run time; None before a first run has been timed
    max_tokens: most tokens that this server lets the model read
    """

    tokens: int
    bytes: int
    limit: int
    seconds: float | None
    max_tokens: int

    @property
    def fits(self) -> bool:
        return self.bytes <= self.limit

    @property
    def most_tokens(self) -> int:
        """The most tokens that the model reads and that fit the limit; memory grows linearly with the tokens."""
        return min(self.max_tokens, self.limit * self.tokens // self.bytes)


def numbers_kept(card: ModelCard, tokens: int) -> tuple[int, int]:
    """What a capture holds: how many numbers of q [l h i d] and k [l g j d], and how many rows [l h i]."""
    layers, heads, groups, width = sizes(card)
    return layers * tokens * width * (heads + groups), layers * tokens * heads


def bytes_kept(card: ModelCard, tokens: int, keep: Keep) -> int:
    vectors, rows = numbers_kept(card, tokens)
    return vectors * KEPT_BYTES[keep] + rows * ROW_BYTES


def operations(card: ModelCard, tokens: int) -> float:
    """Approximate floating-point operations of one forward pass (Kaplan et al. 2020, section 2.1).

    2 per weight and token, and 4 per pair of tokens, head and element of its width. Embeddings are lookups, and no
    logits are computed.
    """
    layers, heads, _, width = sizes(card)
    assert card.d_model is not None
    weights = 12 * layers * card.d_model**2
    return 2.0 * weights * tokens + 4.0 * layers * heads * width * tokens**2


def pace_of(card: ModelCard, tokens: int, seconds: float) -> float:
    """Operations per second of a run; 0 if it was too short to measure."""
    done = operations(card, tokens)
    return done / seconds if done >= TELLING_OPERATIONS else 0.0


def sizes(card: ModelCard) -> tuple[int, int, int, int]:
    """Layers, heads, key/value heads and head width of a loaded model."""
    assert card.layers is not None
    assert card.heads is not None
    assert card.kv_heads is not None
    assert card.head_dim is not None
    return card.layers, card.heads, card.kv_heads, card.head_dim
