"""The short fields of a config.json: the server gets no others, because parsing a large file would stop it."""

import json
from typing import Any

from ...errors import CorruptModel
from ..json_files import parse_object

# Longer fields are options for training. The server parses all of them in a few milliseconds.
MAX_FIELDS, MAX_NAME = 1000, 100
MAX_DEPTH = 8  # of lists and objects in a field
MAX_CHARACTERS = 2**16  # of a field, such as the names of 2,000 labels
MAX_TOTAL = 2**18
SHOWN = 80  # of a long text


def short_fields(data: bytes, name: str) -> dict[str, Any]:
    """name -> value of each field. A long or deeply nested value is replaced by a text that says so.

    So a field that is read and has such a value is refused with its name. Raises CorruptModel.
    """
    raw = parse_object(data, name)
    if len(raw) > MAX_FIELDS:
        raise CorruptModel(f"{name} has {len(raw):,} fields: up to {MAX_FIELDS:,} are read")
    found = {field: short(value) for field, value in raw.items() if len(field) <= MAX_NAME}
    total = len(json.dumps(found))
    if total > MAX_TOTAL:
        raise CorruptModel(f"{name} has {total:,} characters in its short fields: up to {MAX_TOTAL:,} are read")
    return found


def short(value: Any) -> Any:
    if is_deep(value):
        return f"nested more than {MAX_DEPTH} deep"
    characters = len(json.dumps(value))
    if characters <= MAX_CHARACTERS:
        return value
    return f"{value[:SHOWN] if isinstance(value, str) else ''}... ({characters:,} characters)"


def is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        objects = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        if not objects:
            return False
        level = [inner for each in objects for inner in each]
    return True
