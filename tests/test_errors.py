"""Messages of errors can be printed and encoded, whatever they name."""

import pytest

from headscope.errors import CorruptModel


@pytest.mark.fault(46, 49)
@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ("a b é 中 😀 'c'", "a b é 中 😀 'c'"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\nlines", r"two\nlines"),
        ("\ud800x", r"\ud800x"),
        ("\u202eleft", r"\u202eleft"),
    ],
    ids=["printable", "terminal", "line break", "half", "direction"],
)
def test_what_cannot_be_printed_is_escaped_in_the_message(message, detail):
    error = CorruptModel(message)
    assert error.detail == detail
    assert error.detail.encode().decode().isprintable()
