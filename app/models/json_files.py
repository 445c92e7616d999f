"""JSON files of models."""

from typing import Any

from ..errors import CorruptModel
from ..strict_json import read_json, why_unreadable

# What Python can convert: errors about such an integer can then name its field.
MAX_INTEGER_DIGITS = 4300


def parse_object(data: bytes, name: str) -> dict[str, Any]:
    """The object in a JSON file. Raises CorruptModel, also for what `read_json` refuses."""
    try:
        parsed = read_json(data.decode(), MAX_INTEGER_DIGITS)
    except (ValueError, RecursionError) as error:
        raise CorruptModel(f"{name} is not JSON: {why_unreadable(error)}") from error
    if not isinstance(parsed, dict):
        raise CorruptModel(f"{name} is a JSON {type(parsed).__name__}, not an object")
    return parsed
