"""`headscope scores`: the scores and roles of every head as a table, without a server."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..records import Prompt, TableFormat
from ..settings import Settings
from .input import prompt_from
from .interrupts import interruptible
from .messages import STDOUT, exit_on_error, show_status
from .options import (
    NOT_SHARED,
    DeviceOption,
    DtypeOption,
    ModelOption,
    ModelsDirOption,
    OutputOption,
    PairOption,
    TextArgument,
    TruncateOption,
    settings_from,
)
from .output import TABLE_FORMATS, format_for, open_output

if TYPE_CHECKING:
    from ..analysis.table import RowScore
    from ..capture.capture import Capture
    from ..export.tables import Columns


def scores(
    text: TextArgument,
    pair: PairOption = None,
    model: ModelOption = None,
    names: Annotated[str | None, typer.Option(help="names of scores: entropy,first (default: all scores)")] = None,
    truncate: TruncateOption = False,
    output: OutputOption = STDOUT,
    format_: Annotated[
        TableFormat | None, typer.Option("--format", help="format; by default, the ending of the file")
    ] = None,
    models_dir: ModelsDirOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
) -> None:
    """Write the scores and roles of every head into a table: json, csv or parquet. An undefined score is empty."""
    settings = settings_from(**NOT_SHARED, model=model, models_dir=models_dir, device=device, dtype=dtype)
    chosen = format_for(output, format_, TABLE_FORMATS)
    prompt = prompt_from(text, pair, truncate, settings.max_characters)
    with interruptible(), exit_on_error(output), open_output(output) as target:
        from ..analysis.table import scores_named
        from ..export.tables import write_table

        wanted = scores_named(names, "--names")
        capture = capture_of(settings, prompt)
        show_status(f"scoring {capture.card.layers} layers")
        target.write(write_table(columns_of(capture, wanted), chosen))
        show_status("")


def capture_of(settings: Settings, prompt: Prompt) -> "Capture":
    """Raises AppError."""
    show_status(f"loading {settings.model}")
    from ..library import open_model

    model = open_model(settings.model, settings)
    return model.capture(prompt.text, prompt.text_pair, truncate=prompt.truncate).captured


def columns_of(capture: "Capture", wanted: "list[RowScore]") -> "Columns":
    """layer, head, each score, and the names of the roles; None where a score is undefined."""
    import numpy as np

    from ..analysis.formulas.roles import ROLES
    from ..analysis.heads import scores_and_roles

    values, found = scores_and_roles(capture, wanted)
    places = [(layer.index, head) for layer in capture.layers for head in range(layer.heads)]
    layers, heads = (np.array(each) for each in zip(*places, strict=True))
    columns: Columns = {"layer": layers.tolist(), "head": heads.tolist()}
    for score, array in zip(wanted, values, strict=True):
        columns[score.name] = [None if np.isnan(value) else float(value) for value in array[layers, heads]]
    names = np.array([*(role.name for role in ROLES), "delimiter", "rests"])
    held = np.stack([*found.held, found.delimiter, found.sink_dominated])[:, layers, heads].T
    columns["roles"] = [" ".join(names[of_head]) for of_head in held]
    return columns
