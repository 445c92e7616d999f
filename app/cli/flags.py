"""What every command shares: flags before the environment, and how a failure is said."""

import os
from collections.abc import Container
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..errors import AppError, InvalidInput, ModelNotFound, TooLarge
from ..settings import Settings, unknown_variables
from ..web.messages import in_words

FAILED, MISUSED = 1, 2
NOWHERE = "127.0.0.1"  # nothing listens: a shared server's key and limits are no matter here
# What who typed the command can mend by typing another one.
MISUSES = (InvalidInput, ModelNotFound, TooLarge)


def say(flag: str) -> str:
    """The settings table's own word on a flag. Round brackets: Rich takes square ones for markup, and drops them."""
    field = Settings.model_fields[flag]
    return f"{field.description} (default: {field.default}; HEADSCOPE_{flag.upper()})"


ModelsDir = Annotated[Path | None, typer.Option(help=say("models_dir"), show_default=False)]
Device = Annotated[str | None, typer.Option(help=say("device"), show_default=False)]


def complain(detail: str) -> None:
    typer.echo(f"headscope: {detail}", err=True)


def leave(detail: str, status: int = MISUSED) -> NoReturn:
    complain(detail)
    raise typer.Exit(status) from None


def status_of(error: AppError) -> int:
    return MISUSED if isinstance(error, MISUSES) else FAILED


def settings_from(**flags: Any) -> Settings:
    """Flags that were given go before the environment. Leaves with status 2 and a line each for what is wrong."""
    for word in unknown_variables(os.environ):
        complain(word)
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        for one in error.errors():
            complain(place(one, given) + in_words(one))
        raise typer.Exit(MISUSED) from None


def place(error: ErrorDetails, flags: Container[str]) -> str:
    """Where the wrong setting was said, and what it was, unless that is a secret."""
    if not error["loc"]:
        return ""
    name = str(error["loc"][0])
    said = f"--{name.replace('_', '-')}" if name in flags else f"HEADSCOPE_{name.upper()}"
    return f"{said}: " if name == "api_key" else f"{said}={error['input']}: "
