"""Error messages for invalid input, in place of pydantic's own."""

from collections.abc import Mapping
from typing import Any

# The type of a pydantic error -> our message; the fields in braces are from the error's context.
MESSAGES = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "greater_than_equal": "must be {ge} or more",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_type": "must be a whole number",
    "less_than_equal": "must be {le} or less",
    "list_type": "must be a list, [...]",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_attributes_type": "must be a JSON object, {{...}}",
    "path_not_directory": "there is no such folder",
    "string_type": "must be a string, in quotes",
    "too_long": "takes at most {max_length} items, got {actual_length}",
    "too_short": "takes at least {min_length} item; leave the field out, or null, for all",
    "value_error": "{error}",
}


def message_of(error: Mapping[str, Any]) -> str:
    """The message for one error of pydantic's list. It does not contain the input."""
    message = MESSAGES.get(error["type"])
    return message.format(**error.get("ctx", {})) if message else str(error["msg"])
