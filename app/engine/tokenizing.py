"""Tokenizing with the memory for it reserved: the tokenizer of a foreign model can make a text longer."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

from ..records import Prompt, TokenizedPrompt
from .ledger import THREAD_WAIT_SECONDS, Ledger

if TYPE_CHECKING:
    from ..models.loading import LoadedModel

# Of memory for each byte that is divided into tokens. Measured: 180 for WordPiece, 300 for byte-level BPE.
BYTES_PER_BYTE = 320
SMALL_BYTES = 2**20  # what is not counted


def tokenize(ledger: Ledger, model: "LoadedModel", prompt: Prompt, max_tokens: int | None) -> TokenizedPrompt:
    """The tokens of the prompt. For a worker thread. Raises TooManyTokens, PairNotSupported, TooLarge, Busy.

    The tokenizers of bundled models are known: a text of the longest length takes at most 60 MB.
    """
    from ..capture.capture import tokenize_prompt

    size = 0 if model.card.source == "bundled" else bytes_needed(model, prompt)
    what = f"tokenizing this text with the tokenizer of {model.card.id}"
    with (
        nullcontext() if size <= SMALL_BYTES else ledger.reserve("texts", size, what, wait_seconds=THREAD_WAIT_SECONDS)
    ):
        return tokenize_prompt(model, prompt, max_tokens)


def bytes_needed(model: "LoadedModel", prompt: Prompt) -> int:
    """A text that is truncated is encoded twice."""
    texts = sum(model.growth.bytes_of(text) for text in (prompt.text, prompt.text_pair or ""))
    return texts * BYTES_PER_BYTE * (2 if prompt.truncate else 1)
