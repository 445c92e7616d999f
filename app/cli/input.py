"""The texts of a command: arguments or stdin, as a prompt."""

import sys

from ..records import Prompt
from .messages import fail

STDIN = "-"


def prompt_from(text: str, text_pair: str | None, truncate: bool) -> Prompt:
    """The prompt for the default model. Exits if a text is not UTF-8."""
    text = read_stdin() if text == STDIN else check_utf8("the text", text)
    return Prompt(text, text_pair and check_utf8("--pair", text_pair), None, truncate)


def check_utf8(name: str, text: str) -> str:
    """Python reads bytes that are not UTF-8 as halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        fail(f"{name} is not UTF-8")
    return text


def read_stdin() -> str:
    """Without the line break that `echo` adds."""
    try:
        return sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        fail(f"byte {error.start} of stdin is not UTF-8")
    except OSError as error:
        fail(f"stdin cannot be read: {error.strerror}")
