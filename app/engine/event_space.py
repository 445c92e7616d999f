"""The memory of the events of a run. It is reserved together with the capture, so that a run that begins can also be
followed, whatever others hold."""

from collections.abc import Iterable, Sequence

from ..records import ModelCard, Progress, Token, TokenizedPrompt
from .ledger import Ledger
from .shared_bytes import SMALL_BYTES

# What a token takes while it becomes JSON, twice: without its label, and for each character of its label.
BYTES_PER_TOKEN, BYTES_PER_CHARACTER = 350, 12
# The same for a cell of a thumbnail: computed as float32, then 4/3 bytes of base64, twice.
BYTES_PER_THUMBNAIL_CELL = 8
# The size of thumbnails that a client gets if it asks for none, and of those that an estimate counts.
DEFAULT_CELLS = 48


def bytes_of_text_event(tokens: Sequence[Token]) -> int:
    characters = sum(len(token.text) for token in tokens)
    return len(tokens) * BYTES_PER_TOKEN + characters * BYTES_PER_CHARACTER


def bytes_of_layer_event(heads: int, queries: int, keys: int, cells: int) -> int:
    return heads * min(cells, queries) * min(cells, keys) * BYTES_PER_THUMBNAIL_CELL


def bytes_of_largest_event(card: ModelCard, prompt: TokenizedPrompt, cells: int) -> int:
    """What a stream of that many cells needs: it makes its events one at a time. 0 if all are small."""
    longer = max(len(prompt.tokens), prompt.target_length)
    heads = max(stack.heads for stack in card.stacks)
    target = prompt.target.tokens if prompt.target else ()
    # A target that is still to be written has tokens of the usual size.
    size = bytes_of_text_event((*prompt.tokens, *target)) + prompt.to_write * BYTES_PER_TOKEN
    size = max(size, bytes_of_layer_event(heads, longer, longer, cells))
    return size if size > SMALL_BYTES else 0


def bytes_of_events(
    card: ModelCard, prompt: TokenizedPrompt, wanted: Iterable[int | None], capture_bytes: int, limit: int
) -> int:
    """What a run needs beside its capture for its events; 0 if nobody wants any.

    wanted: for each way in which clients wait for the capture: the cells of their event stream, 0 if they get the
            description only, None if they get neither
    Of several, those that can never fit beside the capture get their error later, when their events are made.
    """
    sizes = {0 if cells is None else bytes_of_largest_event(card, prompt, cells) for cells in wanted}
    fitting = [size for size in sizes if size + capture_bytes <= limit]
    return max(fitting, default=min(sizes, default=0))


def space_of_events(ledger: Ledger, size: int, capture_bytes: int, progress: Progress | None = None) -> Ledger | None:
    """A ledger of so many bytes for events, reserved in `ledger`; None for 0.

    progress: of the job that waits for the memory, if there is one
    Raises TooLarge, Busy.
    """
    if not size:
        return None
    return ledger.part(
        "streams", size, "the largest event of the stream", "ask for fewer cells", capture_bytes, progress
    )
