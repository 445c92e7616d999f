"""`headscope dump`: the answer of POST /api/v1/attention as a file, without a server."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from ..records import DumpFormat, Quantity
from ..settings import Settings
from .input import prompt_from
from .interrupts import interruptible, run_in_thread
from .messages import STDOUT, exit_on_error, fail, show_status
from .options import (
    NOT_SHARED,
    DeviceOption,
    DtypeOption,
    ModelOption,
    ModelsDirOption,
    OutputOption,
    PairOption,
    StackOption,
    TargetOption,
    TextArgument,
    TruncateOption,
    settings_from,
)
from .output import DUMP_FORMATS, format_for, open_output

if TYPE_CHECKING:
    from ..export.dump import DumpRequest, Selection
    from ..library import Run

MAX_NUMBER = 1023
VerifyOption = Annotated[bool, typer.Option("--verify", help="compare with Hugging Face's attention for this text")]


def dump(
    text: TextArgument,
    pair: PairOption = None,
    model: ModelOption = None,
    layers: Annotated[
        str | None, typer.Option(help="layer numbers, for example 0,5 or 0-3 (default: all layers)")
    ] = None,
    heads: Annotated[str | None, typer.Option(help="head numbers, for example 0,5 or 0-3 (default: all heads)")] = None,
    quantity: Annotated[
        Quantity,
        typer.Option(help="pattern: weights, after the softmax; scores: raw scores, before mask and softmax"),
    ] = "pattern",
    decimals: Annotated[int, typer.Option(min=0, max=9, help="decimals of the numbers in json and csv")] = 6,
    target: TargetOption = None,
    stack: StackOption = None,
    truncate: TruncateOption = False,
    verify: VerifyOption = False,
    output: OutputOption = STDOUT,
    format_: Annotated[
        DumpFormat | None, typer.Option("--format", help="format; by default, the ending of the file")
    ] = None,
    models_dir: ModelsDirOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
) -> None:
    """Write the attention of a text into a file: json, npz, safetensors or csv."""
    settings = settings_from(**NOT_SHARED, model=model, models_dir=models_dir, device=device, dtype=dtype)
    chosen = format_for(output, format_, DUMP_FORMATS)
    if verify and chosen == "csv":
        fail("--verify: csv cannot hold a certificate: choose json, npz or safetensors")
    selected = (parse_numbers("--layers", layers), parse_numbers("--heads", heads))
    prompt = prompt_from(text, pair, truncate, settings.max_characters, target)
    with interruptible(), exit_on_error(output), open_output(output) as file:
        from ..export.dump import DumpRequest

        request = DumpRequest(prompt, *selected, quantity, verify, stack)
        for chunk in dump_chunks(settings, request, chosen, decimals):
            file.write(chunk)
        show_status("")


def parse_numbers(flag: str, text: str | None) -> list[int] | None:
    """`0,5-7` -> [0, 5, 6, 7]."""
    if text is None:
        return None
    numbers: list[int] = []
    for part in text.split(","):
        parsed = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part.strip(), re.ASCII)
        first, last = (int(parsed[1]), int(parsed[2] or parsed[1])) if parsed else (1, 0)
        if not first <= last <= MAX_NUMBER:
            fail(f"{flag} {text[:40]}: write numbers from 0 to {MAX_NUMBER}, like 0,5 or 0-3")
        numbers.extend(range(first, last + 1))
    if len(set(numbers)) < len(numbers):
        fail(f"{flag} {text[:40]}: name each number once")
    return numbers


def run_and_select(settings: Settings, request: "DumpRequest", format_: DumpFormat) -> "tuple[Run, list[Selection]]":
    """What is wrong with the request is found before the model runs. Raises AppError."""
    from ..capture.capture import tokenize_prompt
    from ..engine.limits import check_texts
    from ..export.dump import selected
    from ..library import open_model

    prompt = request.prompt
    check_texts(prompt, settings.max_characters)
    show_status(f"loading {settings.model}")
    model = open_model(settings.model, settings)
    tokenized = tokenize_prompt(model.loaded, prompt, settings.max_tokens, settings.max_written)
    selections = selected(request, model.card, tokenized, format_, None, settings.max_json_cells)
    run = model.capture(prompt.text, prompt.text_pair, target=prompt.target, truncate=prompt.truncate)
    return run, selections


def dump_chunks(settings: Settings, request: "DumpRequest", format_: DumpFormat, decimals: int) -> Iterable[bytes]:
    """The bytes of the dump. Raises AppError."""
    from ..export.dump import answer_of
    from ..export.formats import batched, serialize
    from ..export.tables import weights_csv

    run, selections = run_in_thread(run_and_select, settings, request, format_)
    if format_ == "csv":
        return weights_csv(run.captured, selections[0], request.quantity, decimals, show_status)
    certificate = asdict(run_in_thread(run.verify)) if request.verify else None
    chunks = batched(serialize(answer_of(run.captured, selections, request.quantity, certificate), format_, decimals))
    return chain(chunks, [b"\n"]) if format_ == "json" else chunks
