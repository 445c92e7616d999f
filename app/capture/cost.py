"""What a text costs a model, said before it is run."""

from dataclasses import dataclass

from ..records import Keep, ModelCard

EXACT_BYTES = 4  # of each number of lse and excess, which are never kept in half precision
# A run of fewer operations says nothing of the pace: it is over before the machine has got going.
TELLING_OPERATIONS = 1e9
KEPT_BYTES: dict[Keep, int] = {"float32": 4, "float16": 2}


@dataclass(frozen=True)
class Cost:
    """bytes: of the capture; limit: what captures may take together; seconds: None before a run has shown the pace.

    max_tokens: that the model reads on this server
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
        """So many would be read and fit: what is kept grows with the tokens."""
        return min(self.max_tokens, self.limit * self.tokens // self.bytes)


def numbers_kept(card: ModelCard, tokens: int) -> tuple[int, int]:
    """How many numbers a capture holds: those of q [l h i d] and k [l g j d], and those of lse and excess [l h i]."""
    layers, heads, groups, width = sizes(card)
    return layers * tokens * width * (heads + groups), 2 * layers * tokens * heads


def bytes_kept(card: ModelCard, tokens: int, keep: Keep) -> int:
    narrow, exact = numbers_kept(card, tokens)
    return narrow * KEPT_BYTES[keep] + exact * EXACT_BYTES


def operations(card: ModelCard, tokens: int) -> float:
    """Of one forward pass, roughly: two for each weight and token, and four for each pair of tokens, head and width.

    Kaplan et al. 2020, section 2.1; embeddings are looked up, and no vocabulary of logits is worked out.
    """
    layers, heads, _, width = sizes(card)
    assert card.d_model is not None
    weights = 12 * layers * card.d_model**2
    return 2.0 * weights * tokens + 4.0 * layers * heads * width * tokens**2


def pace_of(card: ModelCard, tokens: int, seconds: float) -> float:
    """Operations per second of a run; 0 of one too short to tell."""
    done = operations(card, tokens)
    return done / seconds if done >= TELLING_OPERATIONS else 0.0


def sizes(card: ModelCard) -> tuple[int, int, int, int]:
    """layers, heads, key/value heads, width of a head: known once a model is loaded."""
    assert card.layers is not None
    assert card.heads is not None
    assert card.kv_heads is not None
    assert card.head_dim is not None
    return card.layers, card.heads, card.kv_heads, card.head_dim
