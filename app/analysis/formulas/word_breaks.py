"""Where the words of a text begin and end: the default word boundaries of Unicode Standard Annex 29.

The rules are written on the character classes of `regex`. Its own `\\b` is not used: it differs from the annex in a
seventh of the annex's test cases (it joins a mark at the start of a text to the letter after it, and divides `1'a` into
`1` and `'a`), and on a run of flags it takes the square of the length. Rules are named WB1 ... WB999 as in the annex.
"""

from itertools import pairwise

import regex

EXTEND = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*+"  # WB4: what belongs to the character before it
LETTER = r"[\p{WB=ALetter}\p{WB=Hebrew_Letter}]"
HEBREW = r"\p{WB=Hebrew_Letter}"
DIGIT = r"\p{WB=Numeric}"
BETWEEN_LETTERS = r"[\p{WB=MidLetter}\p{WB=MidNumLet}\p{WB=Single_Quote}]"
BETWEEN_DIGITS = r"[\p{WB=MidNum}\p{WB=MidNumLet}\p{WB=Single_Quote}]"
ALPHANUMERIC = rf"""(?:
    {HEBREW} {EXTEND} (?: {BETWEEN_LETTERS} {EXTEND} (?={LETTER}) | '{EXTEND} | "{EXTEND} (?={HEBREW}) )?+  # WB7a-c
  | {LETTER} {EXTEND} (?: {BETWEEN_LETTERS} {EXTEND} (?={LETTER}) )?+  # WB5, WB6, WB7, WB9
  | {DIGIT} {EXTEND} (?: {BETWEEN_DIGITS} {EXTEND} (?={DIGIT}) )?+  # WB8, WB10, WB11, WB12
)++"""
KATAKANA = rf"(?: \p{{WB=Katakana}} {EXTEND} )++"  # WB13
CONNECTOR = rf"(?: \p{{WB=ExtendNumLet}} {EXTEND} )"  # WB13a, WB13b: as the low line
RUN = rf"(?: {ALPHANUMERIC} | {KATAKANA} )"
IN_WORDS = r"[\p{WB=ALetter}\p{WB=Hebrew_Letter}\p{WB=Numeric}\p{WB=Katakana}\p{WB=ExtendNumLet}]"
UNIT = rf"""(?:
    \r\n | [\p{{WB=CR}}\p{{WB=LF}}\p{{WB=Newline}}]  # WB3, WB3a, WB3b
  | (?: \p{{WB=Regional_Indicator}} {EXTEND} ){{2}}  # WB15, WB16: a flag
  | (?={IN_WORDS}) {CONNECTOR}*+ (?: {RUN} {CONNECTOR}++ )*+ {RUN}?+
  | . {EXTEND}
)"""
# WB3c: a zero-width joiner also binds the pictograph after it.
UNITS = regex.compile(
    rf"{UNIT} (?: (?<=\u200d) (?=\p{{Extended_Pictographic}}) {UNIT} )*+", regex.VERBOSE | regex.DOTALL
)
MARKS = regex.compile(EXTEND)
GRAPHEMES = regex.compile(r"\X")
# A run of flags costs \X the square of its length. Flags are kept whole by UNITS, so that here they may be anything.
WITHOUT_FLAGS = dict.fromkeys(range(0x1F1E6, 0x1F200), "x")


def units(text: str) -> list[tuple[int, int]]:
    """[start, end) of each word, mark of punctuation and space, in order; together they are the whole text.

    Each space is a unit of its own (the annex joins them, WB3d). No unit ends within a grapheme (`\\X`), which the
    annex allows in a few scripts.
    """
    graphemes = {match.start() for match in GRAPHEMES.finditer(text.translate(WITHOUT_FLAGS))}
    starts = [match.start() for match in UNITS.finditer(text) if match.start() in graphemes]
    return list(pairwise([*starts, len(text)]))


def end_with_marks(text: str, end: int, limit: int) -> int:
    """The end of the marks and format characters that follow a character; at most `limit`.

    Tokenizers drop many of these (BERT: accents, vowel signs, soft hyphens), so that no token has them.
    """
    following = MARKS.match(text, end, max(end, limit))
    return max(end, following.end()) if following else end
