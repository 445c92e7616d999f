"""What config.json says about a model. It is read as data; no code that it names is run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PretrainedConfig
from transformers.utils import logging as transformers_logging

from ..errors import AppError, UnsupportedModel
from ..records import Source
from .adapter import Adapter
from .checker.process import CHECKER
from .checker.watchdog import BuildLater
from .config_sizes import invalid_field, invalid_probability, invalid_size, shown
from .families import FAMILIES
from .file_names import CONFIG
from .files import ModelFolder, open_file
from .foreign_config import NOT_KNOWN, described_sizes, foreign_config
from .heads import model_type_of
from .json_files import parse_object
from .labels import label_names
from .told_by_weights import Shapes, model_type_from_weights
from .types import OTHER_WAY, REFUSED_TYPES, SHOWN

# Positions, angles and masks, which are no weights.
BUFFERS = (r"(.*\.)?position_ids", r"(.*\.)?rotary_emb\.inv_freq", r"(.*\.)?(attn|attention)\.(masked_)?bias")
# Fields that change the weights of a model in ways that no class of transformers describes.
REFUSED = {"quantization_config": "quantized weights are not supported: take the model before it was quantized"}


@dataclass(frozen=True)
class Claim:
    """What config.json says.

    architecture: the class that the file names; it can be one that transformers does not have
    adapter:      the table of its family; None for a model whose attention is not our own layer
    parameters:   of a model without a table: those that the config describes, without a head
    """

    model_type: str
    architecture: str | None
    adapter: Adapter | None
    config: PretrainedConfig
    parameters: int = 0

    @property
    def text_config(self) -> PretrainedConfig:
        """Of the part that reads texts."""
        inner = getattr(self.config, "encoder", None)
        if isinstance(inner, PretrainedConfig):
            return inner.get_text_config()
        found: PretrainedConfig = self.config.get_text_config(encoder=self.config.is_encoder_decoder or None)
        return found

    @property
    def skipped(self) -> tuple[str, ...]:
        """Regular expressions of what old checkpoints store that is no weight."""
        return BUFFERS if self.adapter is None else self.adapter.skipped


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
    let_transformers_be_silent()
    architecture = architecture_of(raw)
    model_type: Any = raw.get("model_type")
    if model_type is None:
        model_type = model_type_of(architecture, FAMILIES) or model_type_from_weights(shapes)
    if not isinstance(model_type, str) or model_type not in FAMILIES.keys() | SHOWN:
        raise unsupported(model_type)
    adapter = FAMILIES.get(model_type)
    config = config_of_family(raw, adapter) if adapter else None
    parameters = 0
    if config is None:
        adapter = None
        with describing():
            config = foreign_config(model_type, raw)
            parameters = described_sizes(model_type, raw)["parameters"]
    if names := label_names(raw):
        config.id2label = names
    return Claim(model_type, architecture, adapter, config, parameters)


def let_transformers_be_silent() -> None:
    """It would log values of any length in the file, and only warn about weights that do not match: an error here."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def config_of_family(raw: dict[str, Any], adapter: Adapter) -> PretrainedConfig | None:
    """None if the model has something that its table does not describe. Raises UnsupportedModel."""
    for name, why in REFUSED.items():
        if raw.get(name):
            raise UnsupportedModel(f"{CONFIG} has {name}: {why}")
    if raw.get("per_layer_config"):  # a table describes layers that have one configuration together
        return None
    reason = invalid_field(raw, adapter)
    if reason is None:
        with describing():
            config = adapter.config_class.from_dict({name: raw[name] for name in raw if name in adapter.fields})
            reason = invalid_size(config) or invalid_probability(config)
    if reason is not None:
        raise UnsupportedModel(reason)
    return None if adapter.refusal(config) else config


def architecture_of(raw: dict[str, Any]) -> str | None:
    named = raw.get("architectures")
    return named[0] if isinstance(named, list) and named and isinstance(named[0], str) else None


def unsupported(model_type: object) -> UnsupportedModel:
    if model_type is None:
        return UnsupportedModel(
            f"{CONFIG} has no model_type, and the names of the weights do not tell it: add it to {CONFIG}"
        )
    why = REFUSED_TYPES.get(model_type) if isinstance(model_type, str) else None
    return UnsupportedModel(f"model_type {shown(model_type)}: {why or NOT_KNOWN}; {OTHER_WAY}")


@contextmanager
def describing() -> Iterator[None]:
    """Convert an error of transformers or torch, which raise many classes for a wrong config, to UnsupportedModel."""
    try:
        yield
    except (AppError, BuildLater):
        raise
    except Exception as error:
        raise UnsupportedModel(f"{CONFIG} describes no model: {' '.join(str(error).split())[:300]}") from error
