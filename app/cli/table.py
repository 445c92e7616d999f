"""A dump as CSV: one row for each weight, written as it is worked out."""

import csv
import io
from collections.abc import Callable, Iterator
from itertools import product

from ..capture import Capture
from ..dump import Choice
from ..records import Quantity
from ..tiles import ROWS_PER_BLOCK, head_tile, window

COLUMNS = ("layer", "head", "query", "query_token", "key", "key_token", "weight")


def csv_of(
    capture: Capture, choice: Choice, quantity: Quantity, decimals: int, tell: Callable[[str], None]
) -> Iterator[bytes]:
    """UTF-8, a block of rows of one head at a time: the table is far longer than the arrays it is made from."""
    yield ",".join(COLUMNS).encode() + b"\n"
    size = len(capture.tokens)
    for layer, head in product(choice.layers, choice.heads):
        tell(f"layer {layer}, head {head}")
        for start in range(0, size, ROWS_PER_BLOCK):
            part = window(size, (start, min(start + ROWS_PER_BLOCK, size)), None, None)
            weights = head_tile(capture, layer, head, part, quantity=quantity)
            text = io.StringIO()
            rows = csv.writer(text, lineterminator="\n")
            for query, of_query in zip(part.rows, weights.tolist(), strict=True):
                said = capture.tokens[query].text
                rows.writerows(
                    (layer, head, query, said, token.index, token.text, f"{weight:.{decimals}f}")
                    for token, weight in zip(capture.tokens, of_query, strict=True)
                )
            yield text.getvalue().encode()
