"""Word boundaries of Unicode Standard Annex 29."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from headscope.analysis.formulas.word_breaks import end_with_marks, units

# One character or more of each class that a rule of the annex names, to be put together in any order.
CHARACTERS = "aZ1 _.,:;'\"\r\n\u0301\u00ad\u200b\u200c\u200d"
CHARACTERS += "\u0600\u05d0\u05b8가ᄀ\u1161क\u094d\u0e33カ猫👩🏽🇩🇪©\u24c2\u3000\u2028"


def divided(text):
    return [text[start:end] for start, end in units(text)]


# The first are test cases of the annex (WordBreakTest.txt), "|" where it sees a boundary.
@pytest.mark.parametrize(
    "written",
    [
        "\r\n",
        "\r|\u0308|\r",
        "a|\r|\u0308|a",
        "\u0300|A",
        "\u200d|A",
        "A\u0308\u00ad\u200dA",
        "a'\u2060A",
        "a|:|1",
        "1|'|A",
        "1.\u20601|:",
        "1,1|,",
        "3.14",
        "A.B|.",
        "can't",
        "a|.|.|b",
        "_A_1_a",
        "__",
        "カ_カ",
        "カ|a",
        "1_カ",
        'א"א',
        "א'",
        'א|"',
        "🇦🇧|🇨|b",
        "a|🇦🇧\u200d|🇨🇩|b",
        "a\u200d🛑",
        "🛑\u200d🛑",
        "\u200d🛑",
        "Ⓜ\u0308\u200d👩",
        "👶🏿|👶",
        "a|🇦|\u200b|🇧",
        # Not from the annex.
        "snake_case| |x",
        "e.g|.| |1,000.50|%",
        "well|-|known",
        "\u201c|no|\u201d",
        "猫|と|犬|。",
        "カタカナ|です",
        "我|喜欢|猫|。",
        "ภาษา|ไทย",
        "한국어| |텍스트",
        "\u1112\u1161\u11ab\u1100",
        "zero|\u200b|width",
        "hy\u00adphen",
        "می\u200cخواهم",
        "مَرْحَبًا| |بِكَ",
        'שָׁלוֹם| |צה"ל',
        "नमस्ते| |दुनिया",
        "👩\u200d👩\u200d👧|👍🏽|☀️|1️⃣|🏴\U000e0067\U000e0062\U000e007f",
        "a| | |b",
        "a|\u3000|b|\u00a0|c",
        "\u0600猫",
        "ก\u0e33",
    ],
)
def test_boundaries(written):
    assert divided(written.replace("|", "")) == written.split("|")


@given(st.text(st.sampled_from(CHARACTERS) | st.characters(exclude_categories=["Cs"]), max_size=30))
def test_units_are_the_whole_text_and_divide_no_grapheme(text):
    found = divided(text)
    assert "".join(found) == text
    assert all(found)
    assert sum(len(regex.findall(r"\X", unit)) for unit in found) == len(regex.findall(r"\X", text))


@pytest.mark.parametrize("part", ["🇩🇪", "a'", "1.", "\u0301", "א'", 'א"', "👩\u200d", "_", "a_", "猫", " "])
@pytest.mark.timeout(30)  # it takes a tenth of a second; where the time grew with the square of the length, minutes
def test_long_runs_are_divided_in_time(part):
    assert units(part * 200_000)[-1][1] == len(part) * 200_000


def test_marks_belong_to_the_character_before_them():
    assert end_with_marks("e\u0301\u00ad x", 1, 5) == 3
    assert end_with_marks("e\u0301\u0302x", 1, 2) == 2
    assert end_with_marks("ex", 1, 2) == 1
    assert end_with_marks("e\u200bx", 1, 3) == 1
    assert end_with_marks("", 1, 0) == 1
