"""The numbers in config.json: of the right type, within limits, and consistent, before transformers gets them."""

from math import isfinite
from typing import Any, TypeGuard

from transformers import PretrainedConfig
from transformers.activations import ACT2FN

from .adapter import Adapter
from .file_names import CONFIG

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
MAY_BE_NULL = {"n_inner"}  # then it is four times the width
ACTIVATIONS = ("activation_function", "hidden_act", "hidden_activation", "activation")
PROBABILITIES = (
    "hidden_dropout_prob", "attention_probs_dropout_prob", "resid_pdrop", "embd_pdrop", "attn_pdrop",
)  # fmt: skip
# JSON has larger numbers, such as 1e999, which Python reads as infinity. The model computes in float32.
LARGEST_FLOAT32 = 3.4e38
SHOWN = 40  # characters of a value in an error message


def invalid_field(raw: dict[str, Any], adapter: Adapter) -> str | None:
    """Why a number in the file is too large, or a size is no whole number, or contradicts another, or None.

    transformers checks the types of a family's own names, but not those of the general names that it accepts as well.
    """
    for name in sorted(adapter.fields & set(raw)):
        if isinstance(raw[name], float) and abs(raw[name]) > LARGEST_FLOAT32:
            return f"{CONFIG}: {name} is {shown(raw[name])}; finite numbers up to {LARGEST_FLOAT32} are supported"
    own_names = adapter.config_class.attribute_map
    for general, most in MAX_SIZES.items():
        names = {general, own_names.get(general, general)} & adapter.fields & set(raw)
        given = {name: raw[name] for name in sorted(names)}
        for name, value in given.items():
            if not is_whole(value) and not (value is None and name in MAY_BE_NULL):
                return f"{CONFIG}: {name} is {shown(value)}; a whole number from 1 to {most:,} is supported"
        if len(set(given.values())) > 1:
            (name, value), (other, second) = given.items()
            return f"{CONFIG}: {name} is {shown(value)}, {other} is {shown(second)}: two names of one size"
    return None


def invalid_size(config: PretrainedConfig) -> str | None:
    """Why no model can have these sizes, or None."""
    for name, most in MAX_SIZES.items():
        size = getattr(config, name, None)
        if size is not None and not (is_whole(size) and 1 <= size <= most):
            return f"{CONFIG}: {name} is {shown(size)}; 1 to {most:,} is supported"
    for name in ACTIVATIONS:
        activation = getattr(config, name, None)
        if activation is not None and not (isinstance(activation, str) and activation in ACT2FN):
            return f"{CONFIG}: {str(activation)[:80]!r} is not a known activation ({name})"
    if config.hidden_size % config.num_attention_heads:
        return f"{CONFIG}: the width {config.hidden_size} is not divisible by {config.num_attention_heads} heads"
    return None


def invalid_probability(config: PretrainedConfig) -> str | None:
    """Why a dropout is no probability, or None. No dropout is applied, but torch refuses to build such a layer."""
    for name in PROBABILITIES:
        value = getattr(config, name, 0)
        if not is_number(value) or not 0 <= value <= 1:
            return f"{CONFIG}: {name} is {shown(value)}; 0 to 1 is supported"
    return None


def is_whole(value: object) -> TypeGuard[int]:
    return type(value) is int  # True is an int as well


def is_number(value: object) -> bool:
    return is_whole(value) or (isinstance(value, float) and isfinite(value))


def shown(value: object) -> str:
    """The value for an error message: a file may have a number with thousands of digits."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
