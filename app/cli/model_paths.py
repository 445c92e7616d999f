"""Paths to models in options: a folder of a model is offered as local:NAME of the folder that it is in."""

from pathlib import Path
from typing import Any

from ..models.folders import FOLDER_NAME, folder_named, has_config, path_meant, problem_with
from ..models.registry import LOCAL, is_bundled
from .messages import MISUSED, fail


def with_model_paths(flags: dict[str, Any]) -> dict[str, Any]:
    """The flags with `--model PATH` or `--models-dir PATH` of a model itself as the folder and the name in it.

    The models beside such a PATH are not offered. A bare name of a folder in `--models-dir` becomes local:NAME.
    Exits if a path is meant and is no folder of a model.
    """
    model, top = flags.get("model"), flags.get("models_dir")
    if top is not None and has_config(Path(top)):
        flags = flags | alone(folder_at(Path(top)))
        if model is None:
            return flags
        flags["model"] = model
    if model is None or is_bundled(model) or model.startswith(LOCAL):
        return flags
    if top is not None and (named := folder_named(model, Path(top))):
        return flags | {"model": local_id(folder_at(named))}
    if (meant := path_meant(model)) is None:
        return flags
    path = folder_at(meant)
    if top is None:
        return flags | alone(path)
    if path not in (Path(top).resolve(), Path(top).resolve() / path.name):
        fail(f"--model {model} is not in --models-dir {top}: leave out --models-dir, or name a model in it", MISUSED)
    return flags | {"model": local_id(path)}


def alone(path: Path) -> dict[str, Any]:
    """The flags that offer this model, and none of the folders beside it."""
    return {"models_dir": path.parent, "local_models": (path.name,), "model": local_id(path)}


def folder_at(path: Path) -> Path:
    """The path without links. Exits with what is wrong if it is no folder of a model."""
    if reason := problem_with(path):
        fail(f"{str(path)!a} is no folder of a model: {reason}", MISUSED)
    return path.resolve()


def local_id(path: Path) -> str:
    if not FOLDER_NAME.fullmatch(path.name):
        fail(f"{str(path)!a}: the name of a model's folder has to be letters, digits, '.', '_' and '-'", MISUSED)
    return LOCAL + path.name
