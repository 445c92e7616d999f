"""What a text may cost, checked before it is run."""

from collections.abc import Sequence
from sys import getsizeof
from typing import TYPE_CHECKING

from ..errors import EmptyText, TextTooLong
from ..records import ModelCard, Prompt, Target, Token, TokenizedPrompt
from .ledger import Ledger

if TYPE_CHECKING:
    from ..capture.capture import Capture


# BYTES_PER_TOKEN: of a token without its label
BYTES_PER_TOKEN, SMALL_TEXT = 320, 2**16


def check_texts(prompt: Prompt, max_characters: int) -> None:
    """Raises EmptyText, TextTooLong. Comes before tokenizing, which is slow for a long text."""
    for name, text in (("text", prompt.text), ("text_pair", prompt.text_pair), ("target", prompt.target)):
        if text is not None and not text.strip():
            raise EmptyText(f"{name} is empty: send at least one character that is not a space")
        if text is not None and len(text) > max_characters:
            raise TextTooLong(
                f"{len(text):,} characters: this server reads at most {max_characters:,}, so shorten the text "
                "(or raise HEADSCOPE_MAX_CHARACTERS)"
            )


def bytes_of_text(tokenized: TokenizedPrompt) -> int:
    """What the texts and the tokens of a capture take besides SMALL_TEXT. A long text can have few tokens.

    Measured once: Python adds the UTF-8 form to a string when it is first sent.
    """
    target = tokenized.target or Target(())
    texts = sum(map(getsizeof, (tokenized.prompt.text, tokenized.prompt.text_pair, target.text)))
    count = len(tokenized.tokens) + tokenized.target_length
    tokens = count * BYTES_PER_TOKEN + bytes_of_labels([*tokenized.tokens, *target.tokens])
    return max(0, texts + tokens - SMALL_TEXT)


def bytes_of_labels(tokens: Sequence[Token]) -> int:
    """A foreign tokenizer can have labels of thousands of characters: each invisible character becomes nine."""
    return sum(getsizeof(token.text) for token in tokens)


def cost_of_certificate(
    card: ModelCard, tokens: int, target: int, capture_bytes: int, ledger: Ledger
) -> tuple[int, str, str, int]:
    """The bytes that a certificate needs, what they are for, the way out, and the bytes of the capture beside them."""
    from ..capture.certificate import bytes_of_certificate, most_tokens

    fits = most_tokens(card, ledger.max_bytes - capture_bytes, target)
    way_out = f"shorten the text to {fits:,} tokens, leave out verify"
    return (
        bytes_of_certificate(card, tokens, target),
        f"the certificate of {tokens:,} tokens by {card.id}",
        way_out,
        capture_bytes,
    )


def cost_of_norms(capture: "Capture") -> tuple[int, str, str, int]:
    """The same for what norms are computed from."""
    from ..analysis.norms import bytes_of_grams

    what = f"what the norms of {len(capture.tokens):,} tokens are computed from"
    return bytes_of_grams(capture), what, "shorten the text", capture.bytes
