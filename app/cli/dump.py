"""`headscope dump`: what POST /api/v1/attention answers, into a file, without a server."""

import re
from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from ..records import DumpFormat, Quantity
from ..settings import Settings
from .flags import NOWHERE, Device, ModelsDir, leave, say, settings_from
from .target import DUMPS, STDOUT, format_for, opened
from .work import characters, failing, finish, stoppable, tell, text_of

if TYPE_CHECKING:
    from ..export.dump import Ask

HIGHEST = 1023


def dump(
    text: Annotated[str, typer.Argument(help="the text; - reads it from stdin, less its last line end")],
    pair: Annotated[str | None, typer.Option(help="second text, for models that read two")] = None,
    model: Annotated[str | None, typer.Option(help=say("model"), show_default=False)] = None,
    layers: Annotated[str | None, typer.Option(help="0,5 or 0-3; all where it is left out")] = None,
    heads: Annotated[str | None, typer.Option(help="the same, for heads")] = None,
    quantity: Annotated[Quantity, typer.Option(help="after the softmax, or before it and the mask")] = "pattern",
    decimals: Annotated[int, typer.Option(min=0, max=9, help="of the numbers in json and csv")] = 6,
    truncate: Annotated[bool, typer.Option("--truncate", help="cut a text that is too long")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="compare with Hugging Face's on this very text")] = False,
    output: Annotated[str, typer.Option("-o", "--output", help="file; - is stdout")] = STDOUT,
    format_: Annotated[DumpFormat | None, typer.Option("--format", help="else as the file's name ends")] = None,
    models_dir: ModelsDir = None,
    device: Device = None,
) -> None:
    """Write the attention of a text into a file: json, npz, safetensors or csv."""
    settings = settings_from(host=NOWHERE, model=model, models_dir=models_dir, device=device)
    wanted = format_for(output, format_, DUMPS)
    if verify and wanted == "csv":
        leave("--verify: csv has no place for a certificate, take json, npz or safetensors")
    chosen = (numbers("--layers", layers), numbers("--heads", heads))
    said = text_of(text)
    if pair is not None:
        characters("--pair", pair)
    with stoppable(), failing(output), opened(output) as target:
        from ..export.dump import Ask

        ask = Ask(said, pair, None, *chosen, quantity, verify, truncate)
        for chunk in chunks(settings, ask, wanted, decimals):
            target.write(chunk)
        tell("")


def numbers(flag: str, text: str | None) -> list[int] | None:
    """`0,5-7` -> [0, 5, 6, 7]."""
    if text is None:
        return None
    named: list[int] = []
    for part in text.split(","):
        parsed = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part.strip(), re.ASCII)
        first, last = (int(parsed[1]), int(parsed[2] or parsed[1])) if parsed else (1, 0)
        if not first <= last <= HIGHEST:
            leave(f"{flag} {text[:40]}: write numbers from 0 to {HIGHEST}, like 0,5 or 0-3")
        named.extend(range(first, last + 1))
    if len(set(named)) < len(named):
        leave(f"{flag} {text[:40]}: name each number once")
    return named


def chunks(settings: Settings, ask: "Ask", wanted: DumpFormat, decimals: int) -> Iterable[bytes]:
    """The bytes of the dump. Raises AppError."""
    from ..engine.runner import Runner
    from ..export.dump import captured
    from ..export.dump import dump as answer
    from ..export.formats import in_lumps, pieces

    runner = Runner(settings)
    tell(f"loading {settings.model}")
    if wanted == "csv":
        capture, choice = finish(captured(runner, ask))
        from ..export.csv import csv_of

        return csv_of(capture, choice, ask.quantity, decimals, tell)
    made = in_lumps(pieces(finish(answer(runner, ask, wanted, most=None)), wanted, decimals))
    return chain(made, [b"\n"]) if wanted == "json" else made
