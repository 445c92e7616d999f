"""The `headscope` command."""

import os
import socket
import sys
import webbrowser
from collections.abc import Container
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .errors import AppError
from .settings import Settings, unknown_variables
from .wording import in_words

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def say(flag: str) -> str:
    """The settings table's own word on a flag."""
    field = Settings.model_fields[flag]
    return f"{field.description} [default: {field.default}; HEADSCOPE_{flag.upper()}]"


def print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headscope {version('headscope')}")
        raise typer.Exit


@cli.callback()
def headscope(
    _: Annotated[bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """What every attention head of a pretrained transformer does with your text."""


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help=say("host"), show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help=say("port"), show_default=False)] = None,
    open_page: Annotated[bool | None, typer.Option("--open/--no-open", help=say("open"), show_default=False)] = None,
    model: Annotated[str | None, typer.Option(help=say("model"), show_default=False)] = None,
    models_dir: Annotated[Path | None, typer.Option(help=say("models_dir"), show_default=False)] = None,
    device: Annotated[str | None, typer.Option(help=say("device"), show_default=False)] = None,
    insecure: Annotated[bool | None, typer.Option("--insecure", help=say("insecure"), show_default=False)] = None,
) -> None:
    """Serve the page and the JSON API."""
    flags = {"host": host, "port": port, "open": open_page, "model": model, "models_dir": models_dir}
    flags |= {"device": device, "insecure": insecure}
    for word in unknown_variables(os.environ):
        typer.echo(f"headscope: {word}", err=True)
    settings = settings_from({name: value for name, value in flags.items() if value is not None})
    with listen(settings) as listener:
        try:
            run_server(settings, listener)
        except AppError as error:
            typer.echo(f"headscope: {error.detail}", err=True)
            raise typer.Exit(2) from None


def settings_from(flags: dict[str, Any]) -> Settings:
    """Flags go before the environment. Leaves with status 2 and a line each for what is wrong."""
    try:
        return Settings(**flags)
    except ValidationError as error:
        for one in error.errors():
            typer.echo(f"headscope: {place(one, flags)}{in_words(one)}", err=True)
        raise typer.Exit(2) from None


def place(error: ErrorDetails, flags: Container[str]) -> str:
    """Where the wrong setting was said, and what it was, unless that is a secret."""
    if not error["loc"]:
        return ""
    name = str(error["loc"][0])
    said = f"--{name.replace('_', '-')}" if name in flags else f"HEADSCOPE_{name.upper()}"
    return f"{said}: " if name == "api_key" else f"{said}={error['input']}: "


def listen(settings: Settings) -> socket.socket:
    """The socket, bound before anything slow, so that a taken port is said at once."""
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, reuse_port=False)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        typer.echo(
            f"headscope: cannot listen on {where}: {error.strerror}. Take another --port, or 0 for a free one.",
            err=True,
        )
        raise typer.Exit(1) from None
    return listener


def run_server(settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    from .main import create_app

    app = create_app(settings)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    typer.echo(f"Headscope {version('headscope')} on {url}, {mode(settings)}  (Ctrl+C stops it)")
    sys.stdout.flush()
    # The socket listens already: the browser's connection waits the moment until the server accepts it.
    if settings.open and has_screen():
        webbrowser.open(url)
    config = uvicorn.Config(app, log_level=settings.log_level, access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


def mode(settings: Settings) -> str:
    """Who can reach this server, as the first line says it."""
    if not settings.shared:
        return "for this machine alone"
    return "shared, with a key" if settings.api_key else "shared, WITHOUT a key"


def has_screen() -> bool:
    """Without one, Linux would open the page in a text browser, in the middle of this terminal."""
    return not sys.platform.startswith("linux") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def run() -> None:
    """The entry point."""
    cli(prog_name="headscope")
