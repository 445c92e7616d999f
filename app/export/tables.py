"""Tables as CSV, JSON or Parquet, for the server and for the command."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, product
from typing import TYPE_CHECKING, Any

import orjson

from ..records import Quantity, TableFormat

if TYPE_CHECKING:
    from ..capture.capture import Capture
    from .dump import Selection

# Column name -> its values; None is a missing value.
Columns = dict[str, list[Any]]

# Rows of one map at a time. As text, they take some thirty times as much memory as the weights.
ROWS_PER_BLOCK = 512
FORMULA_SIGNS = ("=", "+", "-", "@")
WEIGHT_COLUMNS = ("layer", "head", "query", "query_token", "key", "key_token", "weight")


def write_table(columns: Columns, format_: TableFormat) -> bytes:
    """A row for each entry of the columns. Raises ValueError: unknown format, or columns of unequal length."""
    if format_ not in WRITERS:
        raise ValueError(f"table format {format_!r}: choose one of {', '.join(WRITERS)}")
    return WRITERS[format_](columns)


def json_file(columns: Columns) -> bytes:
    """A list of objects."""
    rows = zip(*columns.values(), strict=True)
    return orjson.dumps([dict(zip(columns, row, strict=True)) for row in rows]) + b"\n"


def csv_file(columns: Columns) -> bytes:
    """A header and the rows."""
    return csv_lines([columns, *zip(*columns.values(), strict=True)])


def csv_lines(rows: Iterable[Iterable[Any]]) -> bytes:
    """UTF-8; a missing value is an empty field."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def parquet_file(columns: Columns) -> bytes:
    import pyarrow as pa  # takes half a second to import
    from pyarrow import parquet

    buffer = io.BytesIO()
    parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


WRITERS: dict[TableFormat, Callable[[Columns], bytes]] = {"json": json_file, "csv": csv_file, "parquet": parquet_file}


def weights_csv(
    capture: "Capture",
    selection: "Selection",
    quantity: Quantity,
    decimals: int,
    report: Callable[[str], None],
) -> Iterator[bytes]:
    """A dump as CSV: one row for each weight, written as the weights are computed. `report` gets the current head."""
    from ..capture.windows import row_blocks

    capture = capture.of_stack(selection.stack)
    yield csv_lines([WEIGHT_COLUMNS])
    for layer, head in product(selection.layers, selection.heads):
        if not capture.stack.has_head(layer, head):
            continue
        report(f"layer {layer}, head {head}")
        for queries, weights in row_blocks(capture, layer, head, quantity, ROWS_PER_BLOCK):
            of_queries = zip(queries, weights.tolist(), strict=True)
            rows = (weight_rows(capture, (layer, head, query), of_query, decimals) for query, of_query in of_queries)
            yield csv_lines(chain.from_iterable(rows))


def cell(label: str) -> str:
    """The label, with an apostrophe in front where a spreadsheet would compute it as a formula (OWASP, CSV injection).

    A single sign is no formula, and stays as it is. The other formats have every label as it is.
    """
    return f"'{label}" if len(label) > 1 and label.startswith(FORMULA_SIGNS) else label


def weight_rows(
    capture: "Capture", place: tuple[int, int, int], weights: Sequence[float], decimals: int
) -> Iterator[tuple[Any, ...]]:
    """The rows of one query; `place` is its layer, head and position."""
    layer, head, query = place
    text = cell(capture.queries[query].text)
    for token, weight in zip(capture.keys, weights, strict=True):
        yield layer, head, query, text, token.index, cell(token.text), f"{weight:.{decimals}f}"
