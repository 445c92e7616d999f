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


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    "name", ["x" * 10**6, "\x1b" * 10**6, "\U000f0000" * 990], ids=["long", "escapes", "longer then"]
)
def test_a_long_name_is_cut_in_the_middle_of_the_message(name):
    detail = CorruptModel(f"the file has the name {name}: choose a shorter one").detail
    assert len(detail) <= 1000
    assert detail.startswith("the file has the name ")
    assert detail.endswith(": choose a shorter one")
    assert " [...] " in detail


def test_a_message_of_the_longest_length_is_not_cut():
    assert CorruptModel("x" * 1000).detail == "x" * 1000
