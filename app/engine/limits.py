"""What a text may cost, checked before it is run."""

from ..errors import EmptyText, TextTooLong, TooLarge
from ..records import ModelCard, Prompt
from .ledger import Ledger


def check_texts(prompt: Prompt, max_characters: int) -> None:
    """Raises EmptyText, TextTooLong. Comes before tokenizing, which is slow for a long text."""
    for name, text in (("text", prompt.text), ("text_pair", prompt.text_pair)):
        if text is not None and not text.strip():
            raise EmptyText(f"{name} is empty: send at least one character that is not a space")
        if text is not None and len(text) > max_characters:
            raise TextTooLong(
                f"{len(text):,} characters: this server reads at most {max_characters:,}, so shorten the text "
                "(or raise HEADSCOPE_MAX_CHARACTERS)"
            )


def check_norms_fit(capture_bytes: int, norms_bytes: int, limit: int) -> None:
    """Raises TooLarge."""
    needed = capture_bytes + norms_bytes
    if needed > limit:
        raise TooLarge(
            f"with its norms the capture takes {needed:,} bytes, HEADSCOPE_MAX_CAPTURE_BYTES is {limit:,}: "
            "shorten the text, or raise it"
        )


def cost_of_certificate(card: ModelCard, tokens: int, capture_bytes: int, ledger: Ledger) -> tuple[int, str, str, int]:
    """The bytes that a certificate needs, what they are for, the way out, and the bytes of the capture beside them."""
    from ..capture.certificate import bytes_of_certificate, most_tokens

    fits = most_tokens(card, ledger.max_bytes - capture_bytes)
    way_out = f"shorten the text to {fits:,} tokens, leave out verify"
    return (
        bytes_of_certificate(card, tokens),
        f"the certificate of {tokens:,} tokens by {card.id}",
        way_out,
        capture_bytes,
    )
