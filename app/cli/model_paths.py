"""Paths to models in options: a folder of a model is offered as local:NAME of the folder that it is in."""

from pathlib import Path
from typing import Any

from ..models.folders import FOLDER_NAME
from ..models.registry import BUNDLED, LOCAL
from .messages import MISUSED, fail

CONFIG = "config.json"


def with_model_paths(flags: dict[str, Any]) -> dict[str, Any]:
    """The flags with `--model PATH` or `--models-dir PATH` of a model itself as the folder and the name in it.

    A bare name of a folder in `--models-dir` becomes local:NAME.
    """
    model, top = flags.get("model"), flags.get("models_dir")
    if top is not None and is_model(Path(top)):
        path = Path(top).resolve()
        return flags | {"models_dir": path.parent, "model": model or local_id(path)}
    if model is None or model in {entry.card.id for entry in BUNDLED} or model.startswith(LOCAL):
        return flags
    if top is not None and FOLDER_NAME.fullmatch(model) and is_model(Path(top) / model):
        return flags | {"model": LOCAL + model}
    if not is_model(Path(model)):
        return flags
    path = Path(model).resolve()
    if top is not None and Path(top).resolve() != path.parent:
        fail(f"--model {model} is not in --models-dir {top}: leave out --models-dir, or name a model in it", MISUSED)
    return flags | {"models_dir": path.parent, "model": local_id(path)}


def is_model(path: Path) -> bool:
    try:
        return (path / CONFIG).is_file()
    except (OSError, ValueError):
        return False


def local_id(path: Path) -> str:
    if not FOLDER_NAME.fullmatch(path.name):
        fail(f"{str(path)!a}: the name of a model's folder has to be letters, digits, '.', '_' and '-'", MISUSED)
    return LOCAL + path.name
