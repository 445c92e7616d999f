"""Where the words of a text begin and end: Unicode Standard Annex 29, as the ICU library implements it.

For scripts that put no spaces between words (Chinese, Japanese, Thai, ...) ICU looks words up in dictionaries, as the
annex recommends.
"""

from collections.abc import Iterator
from itertools import accumulate

import regex
from icu4py.breakers import CharacterBreaker, WordBreaker

LOCALE = "en"  # only Finnish and Swedish have other rules, about colons
MARKS = regex.compile(r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*+")  # WB4: they belong to the character before them


def units(text: str) -> list[tuple[int, int]]:
    """[start, end) of each word, punctuation mark and space, in order; together they are the whole text.

    Each space is a unit of its own (the annex joins them, WB3d), but a carriage return and its line feed are one.
    No unit ends within a grapheme cluster, which the annex allows in a few scripts.
    """
    graphemes = set(accumulate(map(len, CharacterBreaker(text, LOCALE))))
    ends = [end for end in accumulate(map(len, WordBreaker(text, LOCALE))) if end in graphemes]
    return [unit for start, end in zip([0, *ends], ends, strict=False) for unit in single_spaces(text, start, end)]


def single_spaces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """One unit of the annex; a run of spaces as one unit per space."""
    if text[start:end].isspace() and text[start:end] != "\r\n":
        yield from ((place, place + 1) for place in range(start, end))
    else:
        yield start, end


def end_with_marks(text: str, end: int, limit: int) -> int:
    """The end of the marks and format characters that follow a character; at most `limit`.

    Tokenizers drop many of these (BERT: accents, vowel signs, soft hyphens), so that no token has them.
    """
    following = MARKS.match(text, end, max(end, limit))
    return max(end, following.end()) if following else end
