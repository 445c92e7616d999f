"""`headscope dump`: what POST /api/v1/attention answers, into a file, without a server."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from ..errors import AppError
from ..records import DumpFormat, Quantity
from ..settings import Settings
from .flags import FAILED, NOWHERE, Device, ModelsDir, leave, say, settings_from, status_of
from .target import STDOUT, format_for, opened

if TYPE_CHECKING:
    from ..dump import Ask

Result = TypeVar("Result")
STDIN = "-"
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
    wanted = format_for(output, format_)
    if verify and wanted == "csv":
        leave("--verify: csv has no place for a certificate, take json, npz or safetensors")
    chosen = (numbers("--layers", layers), numbers("--heads", heads))
    said = from_stdin() if text == STDIN else characters("the text", text)
    if pair is not None:
        characters("--pair", pair)
    with stoppable(), failing(output), opened(output) as target:
        from ..dump import Ask

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


def characters(name: str, said: str) -> str:
    """Python gives bytes of an argument that are no characters as halves of surrogate pairs."""
    try:
        said.encode()
    except UnicodeEncodeError:
        leave(f"{name} is not UTF-8")
    return said


def from_stdin() -> str:
    """Without the line end that `echo` puts behind every text."""
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        leave(f"byte {error.start} of stdin is not UTF-8")


def chunks(settings: Settings, ask: "Ask", wanted: DumpFormat, decimals: int) -> Iterable[bytes]:
    """The bytes of the dump. Raises AppError."""
    from ..dump import captured
    from ..dump import dump as answer
    from ..pieces import in_lumps, pieces
    from ..runner import Runner

    runner = Runner(settings)
    tell(f"loading {settings.model}")
    if wanted == "csv":
        capture, choice = finish(captured(runner, ask))
        from .table import csv_of

        return csv_of(capture, choice, ask.quantity, decimals, tell)
    made = in_lumps(pieces(finish(answer(runner, ask, wanted, most=None)), wanted, decimals))
    return chain(made, [b"\n"]) if wanted == "json" else made


def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Its result. Not asyncio.run(), which after Ctrl+C waits for the thread that reads or runs the model."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def tell(word: str) -> None:
    """What is being done, on one line of the terminal; nowhere else."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{word}")
        sys.stderr.flush()


@contextmanager
def failing(output: str) -> Iterator[None]:
    """What goes wrong is said in one line; that the reader of a pipe has enough is not wrong."""
    try:
        yield
    except AppError as error:
        tell("")
        leave(error.detail, status_of(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        tell("")
        leave(f"{error.filename or output}: {error.strerror or error}", FAILED)


class Stopped(KeyboardInterrupt):
    """Carries the status to leave with. An event loop lets no other exception of a signal through."""


def stop(number: int, _: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # tidying up is not to be stopped in its turn
    raise Stopped(128 + number)


@contextmanager
def stoppable() -> Iterator[None]:
    """Ctrl+C and SIGTERM leave at once, what was begun removed: an import of torch would hold them up for seconds."""
    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Stopped as stopped:
        tell("")
        os._exit(stopped.args[0])
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
