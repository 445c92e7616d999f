"""`headscope env`: what a report of a fault needs to say of the machine; nothing of any text, and no secret."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import typer
from pydantic import SecretStr

from ..settings import Settings
from .flags import settings_from

PACKAGES = ("headscope", "torch", "transformers", "tokenizers", "safetensors", "numpy", "fastapi", "uvicorn", "plotly")


def env() -> None:
    """Show versions, devices and settings, for a report of a fault."""
    settings = settings_from()
    typer.echo(f"{'python':<14}{platform.python_version()} on {platform.platform()}")
    for name in PACKAGES:
        typer.echo(f"{name:<14}{version_of(name)}")
    typer.echo(f"{'devices':<14}{devices()}\n")
    for line in said_of(settings, os.environ):
        typer.echo(line)


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def devices() -> str:
    """Where torch could run a model here."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return f"none, torch does not start: {error}"
    gpus = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return ", ".join(["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])])


def said_of(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """A line per setting: its variable, its value, and whether the environment or the default says so."""
    set_here = {name.upper() for name in environment}
    lines = []
    for name in Settings.model_fields:
        variable = f"HEADSCOPE_{name.upper()}"
        source = "environment" if variable in set_here else "default"
        lines.append(f"{variable:<32}{shown(getattr(settings, name))}  ({source})")
    return lines


def shown(value: Any) -> str:
    """A key is never shown, only that there is one."""
    if isinstance(value, SecretStr):
        return "set"
    return "not set" if value is None or value == () else str(value)
