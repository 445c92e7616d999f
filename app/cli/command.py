"""The `headscope` command. Each subcommand has its own file."""

from importlib.metadata import version
from typing import Annotated

import typer

from .dump import dump
from .env import env
from .models import models
from .scores import scores
from .serve import serve
from .standard_streams import drop_unreadable_messages, open_closed_streams, reported_output_errors

cli = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headscope {version('headscope')}")
        raise typer.Exit


@cli.callback()
def headscope(
    _: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Show what every attention head of a pretrained transformer does with your text."""


for command in (serve, dump, scores, models, env):
    cli.command()(command)


def run() -> None:
    """Run the command of this process."""
    open_closed_streams()
    drop_unreadable_messages()
    with reported_output_errors():
        cli(prog_name="headscope")
