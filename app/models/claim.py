"""What config.json says about a model. It is read as data; no code that it names is run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig

from ..errors import AppError, UnsupportedModel
from ..records import Source
from .adapter import Adapter
from .checker.process import CHECKER
from .config_sizes import invalid_field, invalid_probability, invalid_size, shown
from .families import FAMILIES
from .file_names import CONFIG
from .files import ModelFolder, open_file
from .heads import model_type_of
from .json_files import parse_object
from .labels import label_names
from .told_by_weights import Shapes, model_type_from_weights

# Fields that change the weights of a model in ways that no class of transformers describes.
REFUSED = {"quantization_config": "quantized weights are not supported: take the model before it was quantized"}


@dataclass(frozen=True)
class Claim:
    """architecture: the class that the file names; it can be one that transformers does not have."""

    model_type: str
    architecture: str | None
    adapter: Adapter
    config: PretrainedConfig


def read_config(path: Path, source: Source = "local") -> Claim:
    """Read and check config.json. Raises CorruptModel, UnsupportedModel."""
    folder = ModelFolder(path, source)
    raw = read_fields(open_file(folder, CONFIG).read_all(), folder)
    return claim_of(raw, {})


def check_config(path: Path, source: Source = "local") -> None:
    """The same before the weights are there, which can say the type of a model whose config.json does not."""
    folder = ModelFolder(path, source)
    raw = read_fields(open_file(folder, CONFIG).read_all(), folder)
    if raw.get("model_type") is not None:
        claim_of(raw, {})


def read_fields(data: bytes, folder: ModelFolder) -> dict[str, Any]:
    return parse_object(data, CONFIG) if folder.trusted else CHECKER.config(data, CONFIG)


def claim_of(raw: dict[str, Any], shapes: Shapes) -> Claim:
    """shapes: of the weights, by name. Raises UnsupportedModel."""
    architecture = architecture_of(raw)
    model_type: Any = raw.get("model_type")
    if model_type is None:
        model_type = model_type_of(architecture, FAMILIES) or model_type_from_weights(shapes)
    adapter = FAMILIES.get(model_type) if isinstance(model_type, str) else None
    if adapter is None:
        raise unsupported(model_type)
    for name, why in REFUSED.items():
        if raw.get(name):
            raise UnsupportedModel(f"{CONFIG} has {name}: {why}")
    reason = invalid_field(raw, adapter)
    if reason is None:
        with describing():
            config = adapter.config_class.from_dict({name: raw[name] for name in raw if name in adapter.fields})
            reason = invalid_size(config) or invalid_probability(config) or adapter.refusal(config)
    if reason is not None:
        raise UnsupportedModel(reason)
    if names := label_names(raw):
        config.id2label = names
    return Claim(model_type, architecture, adapter, config)


def architecture_of(raw: dict[str, Any]) -> str | None:
    named = raw.get("architectures")
    return named[0] if isinstance(named, list) and named and isinstance(named[0], str) else None


def unsupported(model_type: object) -> UnsupportedModel:
    supported = f"this version supports {', '.join(FAMILIES)}"
    if model_type is None:
        return UnsupportedModel(
            f"{CONFIG} has no model_type, and the names of the weights do not tell it: add it to {CONFIG}; {supported}"
        )
    return UnsupportedModel(f"model_type {shown(model_type)}: {supported}")


@contextmanager
def describing() -> Iterator[None]:
    """Convert an error of transformers or torch, which raise many classes for a wrong config, to UnsupportedModel."""
    try:
        yield
    except AppError:
        raise
    except Exception as error:
        raise UnsupportedModel(f"{CONFIG} describes no model: {' '.join(str(error).split())[:300]}") from error
