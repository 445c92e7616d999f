"""What a text may cost, checked before it is run."""

from ..errors import EmptyText, TextTooLong, TooLarge
from ..records import Prompt


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
