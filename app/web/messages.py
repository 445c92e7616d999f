"""What is wrong with an input, in the words of who sent it: pydantic's own speak of Python."""

from collections.abc import Mapping
from typing import Any

# pydantic's name of the error -> our words; in braces, what pydantic knows of the limit.
WORDS = {
    "bool_parsing": "true or false is wanted",
    "bool_type": "true or false is wanted",
    "greater_than_equal": "{ge} or more is wanted",
    "int_from_float": "a whole number is wanted",
    "int_parsing": "a whole number is wanted",
    "int_parsing_size": "a whole number of fewer digits is wanted",
    "int_type": "a whole number is wanted",
    "less_than_equal": "{le} or less is wanted",
    "list_type": "a list is wanted, [...]",
    "literal_error": "one of {expected} is wanted",
    "missing": "this is missing",
    "model_attributes_type": "a JSON object is wanted, {{...}}",
    "path_not_directory": "there is no such folder",
    "string_type": "a text is wanted, in quotes",
    "too_long": "at most {max_length} are taken, here are {actual_length}",
    "too_short": "at least {min_length} is wanted: leave the field out, or null, for all",
    "value_error": "{error}",
}


def in_words(error: Mapping[str, Any]) -> str:
    """One error of pydantic's list, without the input that caused it."""
    words = WORDS.get(error["type"])
    return words.format(**error.get("ctx", {})) if words else str(error["msg"])
