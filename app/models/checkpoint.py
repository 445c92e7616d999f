"""Check config.json and the header of the weights file before any memory is allocated for the model."""

import hashlib
import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import PretrainedConfig, PreTrainedModel
from transformers.activations import ACT2FN

from ..errors import CorruptModel, UnsafeFormat, UnsupportedModel, WeightsDoNotFit
from .adapter import Adapter
from .families import FAMILIES

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"

MAX_CONFIG_BYTES = 2**20
# Fields that change the code or the weights of a model in ways that the table of its family does not describe.
REFUSED = {
    "auto_map": "it names code of the model, which is never run",
    "quantization_config": "quantized weights are not supported",
}

# Larger than any model of these families.
MAX_SIZES = {
    "num_hidden_layers": 256,
    "num_attention_heads": 1024,
    "hidden_size": 2**16,
    "intermediate_size": 2**18,
    "n_inner": 2**18,
    "max_position_embeddings": 2**20,
    "vocab_size": 2**22,
    "type_vocab_size": 2**10,
}


@dataclass(frozen=True)
class Claim:
    """What config.json says about the model."""

    adapter: Adapter
    config: PretrainedConfig
    model_class: type[PreTrainedModel]


def require(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise CorruptModel(f"{name} is missing: a model folder contains {CONFIG}, {TOKENIZER} and {WEIGHTS}")
    return path


def read_config(folder: Path) -> Claim:
    """Parse and check config.json as data; no code that it names is run. Raises CorruptModel, UnsupportedModel."""
    path = require(folder, CONFIG)
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise CorruptModel(f"{CONFIG} is {path.stat().st_size:,} bytes: at most {MAX_CONFIG_BYTES:,} are read")
    try:
        raw: Any = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise CorruptModel(f"{CONFIG} is not JSON: {str(error)[:200]}") from error
    if not isinstance(raw, dict):
        raise CorruptModel(f"{CONFIG} is a JSON {type(raw).__name__}, not an object")
    adapter, model_class = read_architecture(raw)
    try:
        config = adapter.config_class.from_dict({name: raw[name] for name in raw if name in adapter.fields})
    except Exception as error:  # transformers raises many different classes
        raise UnsupportedModel(f"{CONFIG}: {' '.join(str(error).split())[:300]}") from error
    if reason := invalid_size(config) or adapter.refusal(config):
        raise UnsupportedModel(reason)
    return Claim(adapter, config, model_class)


def read_architecture(raw: dict[str, Any]) -> tuple[Adapter, type[PreTrainedModel]]:
    """The family, and the class that implements the architecture. Raises UnsupportedModel."""
    adapter = FAMILIES.get(str(raw.get("model_type")))
    if adapter is None:
        shown = repr(raw.get("model_type"))[:80]
        raise UnsupportedModel(f"model_type {shown}: this version supports {', '.join(FAMILIES)}")
    for name, reason in REFUSED.items():
        if raw.get(name):
            raise UnsupportedModel(f"{CONFIG} has {name}: {reason}")
    named = raw.get("architectures")
    architecture = str(named[0])[:80] if isinstance(named, list) and named else "none"
    model_class = adapter.classes.get(architecture)
    if model_class is None:
        raise UnsupportedModel(
            f"architecture {architecture!r}: of {adapter.family}, {', '.join(adapter.classes)} are supported"
        )
    return adapter, model_class


def invalid_size(config: PretrainedConfig) -> str | None:
    """Why no model can have these sizes, or None."""
    for name, most in MAX_SIZES.items():
        size = getattr(config, name, None)
        if size is not None and not 1 <= size <= most:
            return f"{CONFIG}: {name} is {size}; 1 to {most:,} is supported"
    activation = getattr(config, "activation_function", None) or getattr(config, "hidden_act", None)
    if activation not in ACT2FN:
        return f"{CONFIG}: {str(activation)[:80]!r} is not a known activation"
    if config.hidden_size % config.num_attention_heads:
        return f"{CONFIG}: the width {config.hidden_size} is not divisible by {config.num_attention_heads} heads"
    return None


def parameters(folder: Path) -> int:
    """The number of parameters of the model.

    Raises what read_config and read_header raise, and WeightsDoNotFit if config.json describes far more parameters
    than the weights file has: transformers would allocate all of them before it compares.
    """
    claim, stored = read_config(folder), read_header(folder)
    with torch.device("meta"):
        described = int(claim.model_class(claim.config).num_parameters())
    if described > 2 * stored:
        raise WeightsDoNotFit(f"{CONFIG} describes {described:,} parameters, {WEIGHTS} has {stored:,}")
    return described


def read_header(folder: Path) -> int:
    """The count of numbers in the weights file. Raises UnsafeFormat, CorruptModel."""
    if not (folder / WEIGHTS).is_file() and any(folder.glob("*.bin")):
        raise UnsafeFormat(f"the weights are pickled, which can run code: convert them to {WEIGHTS}")
    try:
        with safe_open(require(folder, WEIGHTS), "pt") as weights:
            return sum(prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118 - no dict
    except SafetensorError as error:
        raise CorruptModel(f"{WEIGHTS} cannot be read: {error}") from error


def check_digest(folder: Path, sha256: str | None) -> str:
    """The SHA-256 of the weights file. Raises CorruptModel if it is not the expected one."""
    with require(folder, WEIGHTS).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 is not None and digest != sha256:
        raise CorruptModel(f"{WEIGHTS} has sha256 {digest}, the published file has {sha256}: install it again")
    return digest
