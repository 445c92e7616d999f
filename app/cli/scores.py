"""`headscope scores`: the scores and roles of every head as a table, without a server."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..records import Prompt, TableFormat
from ..settings import Settings
from .input import prompt_from
from .interrupts import interruptible, run_in_thread
from .messages import STDOUT, exit_on_error, show_status
from .options import (
    NOT_SHARED,
    STACKS,
    DeviceOption,
    DtypeOption,
    ModelOption,
    ModelsDirOption,
    OutputOption,
    PairOption,
    TargetOption,
    TextArgument,
    TruncateOption,
    settings_from,
)
from .output import TABLE_FORMATS, format_for, open_output

if TYPE_CHECKING:
    import numpy as np

    from ..analysis.roles import Roles
    from ..analysis.table import RowScore
    from ..capture.capture import Capture
    from ..export.tables import Columns


def scores(
    text: TextArgument,
    pair: PairOption = None,
    model: ModelOption = None,
    names: Annotated[str | None, typer.Option(help="names of scores: entropy,first (default: all scores)")] = None,
    target: TargetOption = None,
    stack: Annotated[str | None, typer.Option(help=f"{STACKS} (default: the first)")] = None,
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
    prompt = prompt_from(text, pair, truncate, settings.max_characters, target)
    with interruptible(), exit_on_error(output), open_output(output) as file:
        from ..analysis.table import scores_named
        from ..export.tables import write_table

        wanted = scores_named(names, "--names")
        capture = run_in_thread(capture_of, settings, prompt, stack)
        show_status(f"scoring {capture.card.layers} layers")
        file.write(write_table(run_in_thread(columns_of, capture, wanted), chosen))
        show_status("")


def capture_of(settings: Settings, prompt: Prompt, stack: str | None) -> "Capture":
    """Raises AppError."""
    show_status(f"loading {settings.model}")
    from ..library import open_model

    model = open_model(settings.model, settings)
    run = model.capture(prompt.text, prompt.text_pair, target=prompt.target, truncate=prompt.truncate)
    return run.captured.of_stack(stack)


def columns_of(capture: "Capture", wanted: "list[RowScore]") -> "Columns":
    """layer, head, each score, and the names of the roles; None where one is undefined."""
    import numpy as np

    values, roles = scores_and_roles_of(capture, wanted)
    places = [(layer.index, head) for layer in capture.layers for head in range(layer.heads)]
    layers, heads = (np.array(each) for each in zip(*places, strict=True))
    columns: Columns = {"layer": layers.tolist(), "head": heads.tolist()}
    for score, array in zip(wanted, values, strict=True):
        columns[score.name] = [None if np.isnan(value) else float(value) for value in array[layers, heads]]
    columns["roles"] = names_of(roles, layers, heads) if roles else [None] * len(places)
    return columns


def scores_and_roles_of(capture: "Capture", wanted: "list[RowScore]") -> "tuple[np.ndarray, Roles | None]":
    """Attention from one text to another has no roles."""
    from ..analysis.heads import scores_and_roles
    from ..analysis.scores import per_head

    if capture.stack.is_cross:
        return per_head(capture, wanted), None
    return scores_and_roles(capture, wanted)


def names_of(roles: "Roles", layers: "np.ndarray", heads: "np.ndarray") -> list[str]:
    """The names of the roles of each of these heads."""
    import numpy as np

    from ..analysis.formulas.roles import ROLES

    names = np.array([*(role.name for role in ROLES), "delimiter", "rests"])
    held = np.stack([*roles.held, roles.delimiter, roles.sink_dominated])[:, layers, heads].T
    return [" ".join(names[of_head]) for of_head in held]
