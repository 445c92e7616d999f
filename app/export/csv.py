"""A dump as CSV: one row for each weight, written as it is worked out."""

import csv
import io
from collections.abc import Callable, Iterator
from itertools import product

from ..capture.capture import Capture
from ..capture.windows import row_blocks
from ..records import Quantity
from .dump import Choice

# Of one head at once; their text is some thirty times as long as the weights.
ROWS = 512
COLUMNS = ("layer", "head", "query", "query_token", "key", "key_token", "weight")


def csv_of(
    capture: Capture, choice: Choice, quantity: Quantity, decimals: int, tell: Callable[[str], None]
) -> Iterator[bytes]:
    """UTF-8, a block of rows of one head at a time: the table is far longer than the arrays it is made from."""
    yield ",".join(COLUMNS).encode() + b"\n"
    for layer, head in product(choice.layers, choice.heads):
        tell(f"layer {layer}, head {head}")
        for queries, weights in row_blocks(capture, layer, head, quantity, ROWS):
            text = io.StringIO()
            rows = csv.writer(text, lineterminator="\n")
            for query, of_query in zip(queries, weights.tolist(), strict=True):
                said = capture.tokens[query].text
                rows.writerows(
                    (layer, head, query, said, token.index, token.text, f"{weight:.{decimals}f}")
                    for token, weight in zip(capture.tokens, of_query, strict=True)
                )
            yield text.getvalue().encode()
