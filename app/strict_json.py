"""JSON read strictly: what two readers could understand differently is refused."""

import json
from collections import Counter
from typing import Any, NoReturn


class RepeatedName(ValueError):
    """An object that has one name twice: readers disagree on which of the two counts."""


class HalfCharacter(ValueError):
    """A string with half of a surrogate pair, which UTF-8 cannot encode: no answer could contain it."""


def read_json(text: str, max_digits: int) -> Any:
    """What the text describes. Its integers may have at most that many digits.

    Raises RepeatedName, HalfCharacter, ValueError (also for NaN and Infinity), and RecursionError if it is nested too
    deeply.
    `why_unreadable` describes them.
    """

    def short_integer(digits: str) -> int:
        if len(digits) > max_digits:
            raise ValueError(f"a number has {len(digits):,} digits, at most {max_digits} are read")
        return int(digits)

    parsed = json.loads(
        text, object_pairs_hook=without_repetition, parse_constant=refuse_constant, parse_int=short_integer
    )
    if "\\u" in text:
        refuse_half_characters(parsed)
    return parsed


def why_unreadable(error: Exception) -> str:
    """Describes the text, where Python's message is about its own limits."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return str(error)[:200]


def without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise RepeatedName(f"the key {repeated[:80]!r} is there twice")
    return found


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def refuse_half_characters(parsed: Any) -> None:
    try:
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise HalfCharacter("a string contains half of a surrogate pair, which is not a character") from error
