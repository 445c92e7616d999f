"""The texts of a command: arguments or stdin, as a prompt."""

import sys

from ..records import Prompt
from .messages import fail

STDIN = "-"
MAX_BYTES_PER_CHARACTER = 4  # in UTF-8
SHORTEN = "shorten the text, or raise HEADSCOPE_MAX_CHARACTERS"


def prompt_from(
    text: str, text_pair: str | None, truncate: bool, max_characters: int, target: str | None = None
) -> Prompt:
    """The prompt for the default model. Exits if a text is not UTF-8, or if stdin has far more than it may have."""
    text = read_stdin(max_characters) if text == STDIN else check_utf8("the text", text)
    second, of_decoder = text_pair and check_utf8("--pair", text_pair), target and check_utf8("--target", target)
    return Prompt(text, second, None, truncate, of_decoder)


def check_utf8(name: str, text: str) -> str:
    """Python reads bytes that are not UTF-8 as halves of surrogate pairs."""
    try:
        text.encode()
    except UnicodeEncodeError:
        fail(f"{name} is not UTF-8")
    return text


def read_stdin(max_characters: int) -> str:
    """Without the line break that `echo` adds. It can be endless: no more is read than a text of that many characters,
    with a line break, can have."""
    most = max_characters * MAX_BYTES_PER_CHARACTER + len("\r\n")
    try:
        read = sys.stdin.buffer.read(most + 1)
        if len(read) > most:
            fail(f"stdin has more than {max_characters:,} characters: {SHORTEN}")
        return read.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        fail(f"byte {error.start} of stdin is not UTF-8")
    except OSError as error:
        fail(f"stdin cannot be read: {error.strerror}")
