"""Tokenizing with the memory for it reserved: the tokenizer of a foreign model can make a text longer."""

from contextlib import nullcontext
from typing import TYPE_CHECKING

from ..records import Progress, Prompt, TokenizedPrompt
from ..settings import Settings
from .ledger import Ledger, Purpose, Reservation
from .pools import Pools

if TYPE_CHECKING:
    from ..models.loading import LoadedModel

# Of memory for each byte that is divided into tokens. Measured: 180 for WordPiece, 300 for byte-level BPE.
BYTES_PER_BYTE = 320
SMALL_BYTES = 2**20  # what is not counted
Cost = tuple[Purpose, int, str, str]  # of `Ledger.reserve_for_job`


async def tokenize(
    pools: Pools, ledger: Ledger, model: "LoadedModel", prompt: Prompt, settings: Settings, *, admitted: bool
) -> TokenizedPrompt:
    """The tokens of the prompt. Raises TooManyTokens, PairNotSupported, TooLarge, Busy, Deadline.

    A text waits for memory as other work does. Cancelling the caller ends that.
    admitted: whether it is the text of a job that has a place in a queue: it waits however many others do
    """
    bundled = model.card.source == "bundled"
    if not admitted:
        (pools.converters if bundled else pools.tokenizers).check_room()
    if bundled:
        return await pools.convert_unbounded(tokenize_in_thread, model, prompt, settings)
    size = await pools.tokenize(bytes_needed, model, prompt)
    held = None
    if size > SMALL_BYTES:
        cost: Cost = ("texts", size, f"tokenizing this text with the tokenizer of {model.card.id}", "shorten the text")
        ledger.check(*cost[1:])
        held = ledger.try_reserve("texts", size) or await pools.wait_for_memory(reserve, ledger, cost)
    return await pools.tokenize(tokenize_in_thread, model, prompt, settings, held)


def reserve(ledger: Ledger, cost: Cost, progress: Progress) -> Reservation:
    return ledger.reserve_for_job(progress, *cost)


def tokenize_in_thread(
    model: "LoadedModel", prompt: Prompt, settings: Settings, held: Reservation | None = None
) -> TokenizedPrompt:
    """For a worker thread. It releases what is held for it, also where the caller is gone.

    The tokenizers of bundled models are known: a text of the longest length takes at most 60 MB.
    """
    from ..capture.capture import tokenize_prompt

    with held or nullcontext():
        return tokenize_prompt(model, prompt, settings.max_tokens, settings.max_written)


def bytes_needed(model: "LoadedModel", prompt: Prompt) -> int:
    """A text that is truncated is encoded twice."""
    texts = sum(model.growth.bytes_of(text) for text in (prompt.text, prompt.text_pair or "", prompt.target or ""))
    return texts * BYTES_PER_BYTE * (2 if prompt.truncate else 1)
