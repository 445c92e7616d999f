"""Options that several commands share, and the settings they give."""

import os
from collections.abc import Container
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..records import ModelDtype
from ..settings import Settings, default_in_words, unknown_variables
from ..web.messages import message_of
from .messages import FAILED, MISUSED, fail, warn
from .model_paths import with_model_paths

# For commands that do not listen: the limits and the key of a shared server do not apply.
NOT_SHARED: dict[str, Any] = {"host": "127.0.0.1", "shared": False}


def help_of(setting: str) -> str:
    """The description of a setting. Round brackets, because Rich reads square ones as markup."""
    local, shared = default_in_words(setting), default_in_words(setting, shared=True)
    default = local if local == shared else f"{local}; {shared}"
    return f"{Settings.model_fields[setting].description} (default: {default}; HEADSCOPE_{setting.upper()})"


TextArgument = Annotated[str, typer.Argument(help="the text; - reads it from stdin, without the last line break")]
PairOption = Annotated[str | None, typer.Option(help="second text, for models that read two")]
TargetOption = Annotated[
    str | None,
    typer.Option(help="text of the decoder, for models that have one over an encoder (default: the model writes it)"),
]
STACKS = "encoder, decoder or cross, for models with an encoder and a decoder"
StackOption = Annotated[str | None, typer.Option(help=f"{STACKS} (default: all)")]
ModelOption = Annotated[str | None, typer.Option(help=help_of("model"), show_default=False)]
TruncateOption = Annotated[bool, typer.Option("--truncate", help="cut off the end of a text that is too long")]
OutputOption = Annotated[str, typer.Option("-o", "--output", help="file to write; - is stdout")]
ModelsDirOption = Annotated[Path | None, typer.Option(help=help_of("models_dir"), show_default=False)]
DtypeOption = Annotated[ModelDtype | None, typer.Option(help=help_of("dtype"), show_default=False)]
DeviceOption = Annotated[str | None, typer.Option(help=help_of("device"), show_default=False)]


def settings_from(**flags: Any) -> Settings:
    """Settings from the flags that are not None, then the environment. Exits with one line per invalid setting."""
    check_working_directory()
    for warning in unknown_variables(os.environ):
        warn(warning)
    given = with_model_paths({name: value for name, value in flags.items() if value is not None})
    try:
        return Settings(**given)
    except ValidationError as error:
        for one in error.errors():
            warn(source_of(one, given) + message_of(one))
        raise typer.Exit(MISUSED) from None


def check_working_directory() -> None:
    """Exits if it has been deleted: a library of torch would end the process with a message that does not say why."""
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd() does the same
    except OSError:
        fail("the working directory has been deleted: change to one that exists (cd)", FAILED)


def source_of(error: ErrorDetails, flags: Container[str]) -> str:
    """`--port=70000: ` or `HEADSCOPE_PORT=70000: `, without the value if it is a secret."""
    if not error["loc"]:
        return ""
    name = str(error["loc"][0])
    source = f"--{name.replace('_', '-')}" if name in flags else f"HEADSCOPE_{name.upper()}"
    return f"{source}: " if name == "api_key" else f"{source}={error['input']}: "
