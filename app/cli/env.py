"""`headscope env`: the environment for a bug report, without texts and secrets."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import typer
from pydantic import SecretStr

from ..settings import Settings
from .options import settings_from

PACKAGES = ("headscope", "torch", "transformers", "tokenizers", "safetensors", "numpy", "fastapi", "uvicorn", "plotly")


def env() -> None:
    """Show versions, devices and settings, for a bug report."""
    settings = settings_from()
    typer.echo(f"{'python':<14}{platform.python_version()} on {platform.platform()}")
    for name in PACKAGES:
        typer.echo(f"{name:<14}{version_of(name)}")
    typer.echo(f"{'devices':<14}{devices()}\n")
    for line in lines_of(settings, os.environ):
        typer.echo(line)


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def devices() -> str:
    """The devices that torch can run a model on."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return f"none, torch cannot be imported: {error}"
    gpus = [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return ", ".join(["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])])


def lines_of(settings: Settings, environment: Mapping[str, str]) -> list[str]:
    """One line per setting: its variable, its value, and whether that is from the environment or the default."""
    in_environment = {name.upper() for name in environment}
    lines = []
    for name in Settings.model_fields:
        variable = f"HEADSCOPE_{name.upper()}"
        source = "environment" if variable in in_environment else "default"
        lines.append(f"{variable:<34}{displayed(getattr(settings, name))}  ({source})")
    return lines


def displayed(value: Any) -> str:
    """A secret is displayed as `set`."""
    if isinstance(value, SecretStr):
        return "set"
    return "not set" if value is None or value == () else str(value)
