"""JSON files of models, read strictly: what two readers could understand differently is refused."""

import json
from collections import Counter
from typing import Any, NoReturn

from ..errors import CorruptModel


def parse_object(data: bytes, name: str) -> dict[str, Any]:
    """The object in a JSON file. Raises CorruptModel also for a key that is there twice, and for NaN and Infinity."""
    try:
        parsed: Any = json.loads(data.decode(), object_pairs_hook=without_repetition, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise CorruptModel(f"{name} is not JSON: {str(error)[:200]}") from error
    if not isinstance(parsed, dict):
        raise CorruptModel(f"{name} is a JSON {type(parsed).__name__}, not an object")
    return parsed


def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {repeated[:80]!r} is there twice")
    return found


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
