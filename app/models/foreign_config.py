"""The config.json of a model without a table of ours: cleaned and limited at every depth before transformers gets it.

Fields of a config can name code, kernels and other files to fetch, and sizes that stop a process. All are removed or
limited here; the rest is checked by building the model without memory in a process with limits.
"""

from collections.abc import Iterator
from typing import Any

from transformers import CONFIG_MAPPING, PretrainedConfig

from ..errors import UnsupportedModel
from .checker.process import BUILDER
from .config_sizes import shown
from .file_names import CONFIG
from .types import OTHER_WAY, REFUSED_TYPES, SHOWN

# transformers would fetch or run what these name. No model needs them.
DROPPED = {
    "attn_implementation",
    "experts_implementation",
    "transformers_weights",
    "trust_remote_code",
    "auto_map",
    "num_labels",
    "dtype",
    "torch_dtype",
}
# Weights that config.json does not describe, or that would be fetched.
REFUSED_FIELDS = {
    "quantization_config": "quantized weights are not supported: take the model before it was quantized",
    "use_pretrained_backbone": "a pretrained backbone would be downloaded",
    "use_timm_backbone": "a pretrained backbone would be downloaded",
}
# Types with parts that transformers builds of any type.
PARTS_OF_ANY_TYPE = {"encoder-decoder": ("encoder", "decoder")}
NOT_KNOWN = "it is not on the list of types that read text (docs/models.md)"
MAX_LAYERS = 512  # in any field whose name says layers
LAYERS_OF_BLOCKS = ("block_sizes", "block_repeats", "depths")
MAX_NUMBER = 2**22  # of any other size; vocabularies are the largest
MAX_POSITIONS = 2**24
MAX_LIST = 4096
UNLIMITED = ("theta", "base", "max_length", "seed")  # of the rotation, and options that build nothing
POSITIONS = ("position", "length", "window", "context")
LARGEST = 2**62
FLOAT = "__float__"  # how transformers writes an infinite number
SPARE_BUFFERS = 2**28  # bytes of masks and angles that a model computes when it is built


def foreign_config(model_type: str, raw: dict[str, Any]) -> PretrainedConfig:
    """The config of a type of transformers' own. Raises UnsupportedModel, and what transformers raises."""
    for name, value in fields_in(raw):
        if value and name in REFUSED_FIELDS:
            raise UnsupportedModel(f"{CONFIG} has {name}: {REFUSED_FIELDS[name]}")
        if name == "model_type" and "timm" in str(value):
            raise UnsupportedModel(f"{CONFIG} has the type {shown(value)}: a pretrained backbone would be downloaded")
        check_number(name, value)
    check_parts(model_type, raw)
    fields = cleaned(raw)
    sizes = described_sizes(model_type, raw)
    most = SPARE_BUFFERS + sizes["parameters"]
    if sizes["buffers"] > most:
        raise UnsupportedModel(
            f"{CONFIG} describes {sizes['buffers']:,} bytes beside the weights: up to {most:,} are supported; "
            "lower the number of positions"
        )
    config: PretrainedConfig = CONFIG_MAPPING[model_type].from_dict(fields)
    return config


def described_sizes(model_type: str, raw: dict[str, Any]) -> dict[str, int]:
    """The parameters and the bytes of buffers of the model without a head; the second time, the answer is known."""
    return BUILDER.sizes(model_type, cleaned(raw))


def check_parts(model_type: str, raw: dict[str, Any]) -> None:
    """Raises UnsupportedModel for a part of any type, if that type is not supported as a model either."""
    for name in PARTS_OF_ANY_TYPE.get(model_type, ()):
        part = raw.get(name)
        inner = part.get("model_type") if isinstance(part, dict) else None
        if not isinstance(part, dict) or not isinstance(inner, str) or inner not in SHOWN:
            why = REFUSED_TYPES.get(inner, NOT_KNOWN) if isinstance(inner, str) else NOT_KNOWN
            raise UnsupportedModel(f"{CONFIG}: its {name} has the model_type {shown(inner)}: {why}; {OTHER_WAY}")
        check_parts(inner, part)


def fields_in(value: Any) -> Iterator[tuple[str, Any]]:
    """The name and the value of each field at any depth; those in lists have the name of the list."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from fields_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from fields_in(inner)


def check_number(name: str, value: Any) -> None:
    """Raises UnsupportedModel for a number or a list that is larger than in any model."""
    values = list(entries_of(value))
    if len(values) > MAX_LIST:
        raise UnsupportedModel(f"{CONFIG}: {name[:80]} has {len(values):,} entries; up to {MAX_LIST:,} are supported")
    most = limit_of(name)
    most_together = most if name in LAYERS_OF_BLOCKS else max(most, MAX_NUMBER)  # others can be numbers of layers
    total = sum(each for each in values if isinstance(each, int))
    if len(values) > 1 and total > most_together:
        raise UnsupportedModel(
            f"{CONFIG}: the sum of {name[:80]} is {shown(total)}; up to {most_together:,} is supported"
        )
    for each in values:
        if isinstance(each, int | float) and abs(each) > (most if isinstance(each, int) else 3.4e38):
            raise UnsupportedModel(f"{CONFIG}: {name[:80]} is {shown(each)}; up to {most:,} is supported")


def entries_of(value: Any) -> Iterator[Any]:
    """The value itself; of a list, its entries and those of lists in it."""
    if isinstance(value, list):
        for each in value:
            yield from entries_of(each)
    else:
        yield value


def limit_of(name: str) -> int:
    if name in LAYERS_OF_BLOCKS:
        return MAX_LAYERS
    if any(part in name for part in UNLIMITED):
        return LARGEST
    if any(part in name for part in POSITIONS):
        return MAX_POSITIONS
    return MAX_LAYERS if "layers" in name or name in {"n_layer", "num_hidden_layers"} else MAX_NUMBER


def cleaned(value: Any) -> Any:
    """The same without fields that transformers would take for orders."""
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {FLOAT} and value[FLOAT] in ("Infinity", "-Infinity"):
        return float(value[FLOAT])
    return {name: cleaned(each) for name, each in value.items() if name not in DROPPED and not name.startswith("_")}
