"""`headscope scores`: what every head does with a text as a table, a row for each head, without a server."""

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..records import TableFormat
from ..settings import Settings
from .flags import NOWHERE, Device, ModelsDir, leave, say, settings_from
from .target import STDOUT, TABLES, format_for, opened
from .work import characters, failing, finish, stoppable, tell, text_of

if TYPE_CHECKING:
    from ..analysis.table import RowScore
    from ..capture.capture import Capture

Columns = dict[str, list[Any]]


def scores(
    text: Annotated[str, typer.Argument(help="the text; - reads it from stdin, less its last line end")],
    pair: Annotated[str | None, typer.Option(help="second text, for models that read two")] = None,
    model: Annotated[str | None, typer.Option(help=say("model"), show_default=False)] = None,
    names: Annotated[str | None, typer.Option(help="entropy,first; all where it is left out")] = None,
    truncate: Annotated[bool, typer.Option("--truncate", help="cut a text that is too long")] = False,
    output: Annotated[str, typer.Option("-o", "--output", help="file; - is stdout")] = STDOUT,
    format_: Annotated[TableFormat | None, typer.Option("--format", help="else as the file's name ends")] = None,
    models_dir: ModelsDir = None,
    device: Device = None,
) -> None:
    """Write what every head does with a text into a table: json, csv or parquet. What a text cannot have is empty."""
    settings = settings_from(host=NOWHERE, model=model, models_dir=models_dir, device=device)
    wanted = format_for(output, format_, TABLES)
    said = text_of(text)
    if pair is not None:
        characters("--pair", pair)
    with stoppable(), failing(output), opened(output) as target:
        chosen = named(names)
        capture = captured(settings, said, pair, truncate)
        for chunk in written(columns_of(capture, chosen), wanted):
            target.write(chunk)
        tell("")


def named(names: str | None) -> "list[RowScore]":
    """Leaves where there is no such score."""
    from ..analysis.table import BY_NAME

    asked = list(BY_NAME) if names is None else [name.strip() for name in names.split(",")]
    unknown = [name for name in asked if name not in BY_NAME]
    if unknown or len(set(asked)) < len(asked):
        what = f"{unknown[0][:40]!r} is no score" if unknown else "name each once"
        leave(f"--names {str(names)[:80]}: {what}; there are {', '.join(BY_NAME)}")
    return [BY_NAME[name] for name in asked]


def captured(settings: Settings, text: str, pair: str | None, truncate: bool) -> "Capture":
    """Raises AppError."""
    from ..engine.runner import Runner

    tell(f"loading {settings.model}")
    capture, _ = finish(Runner(settings).capture(text, pair, None, truncate))
    tell(f"scoring {capture.card.layers} layers")
    return capture


def columns_of(capture: "Capture", chosen: "list[RowScore]") -> Columns:
    """layer, head, each score, and what the head does in words; None where a text cannot have a score."""
    import numpy as np

    from ..analysis.formulas.roles import ROLES
    from ..analysis.roles import roles
    from ..analysis.scores import per_head

    values, found = per_head(capture, chosen), roles(capture)
    columns: Columns = {
        "layer": [layer for layer in range(len(capture.layers)) for _ in range(capture.heads)],
        "head": list(range(capture.heads)) * len(capture.layers),
    }
    for score, array in zip(chosen, values, strict=True):
        columns[score.name] = [None if np.isnan(value) else float(value) for value in array.flat]
    names = np.array([*(role.name for role in ROLES), "delimiter", "rests"])
    all_held = np.stack([*found.held, found.delimiter, found.rests]).reshape(len(names), -1).T
    columns["roles"] = [" ".join(names[of_head]) for of_head in all_held]
    return columns


def written(columns: Columns, wanted: TableFormat) -> Iterable[bytes]:
    if wanted == "csv":
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(columns)
        table.writerows(zip(*columns.values(), strict=True))
        return [text.getvalue().encode()]
    if wanted == "json":
        import orjson

        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return [orjson.dumps(rows), b"\n"]
    import pyarrow as pa
    from pyarrow import parquet

    made = io.BytesIO()
    parquet.write_table(pa.table(columns), made)
    return [made.getvalue()]
