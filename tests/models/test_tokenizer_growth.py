"""How much longer tokenizers can make a text, compared with what they make of every character."""

import sys
from unicodedata import normalize

import pytest
from model_files import gpt2_tokenizer
from tokenizers.normalizers import (
    NFC,
    NFD,
    NFKC,
    NFKD,
    BertNormalizer,
    Lowercase,
    Prepend,
    Replace,
    Strip,
    StripAccents,
)
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import ByteLevel, Metaspace, Whitespace
from tokenizers.pre_tokenizers import Sequence as Splits

from headscope.models.tokenizer_growth import growth_of

CHAINS = [
    [BertNormalizer()], [BertNormalizer(strip_accents=False)], [Lowercase()], [StripAccents()], [Strip()], [NFC()],
    [NFD()], [NFKC()], [NFKD()], [NFKD(), Lowercase(), StripAccents(), NFC()], [Lowercase(), NFKD(), NFKC()],
]  # fmt: skip


ALL = (chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000)
# And two that BertNormalizer surrounds with spaces.
CHANGING = ["中", "𠀀", *(each for each in ALL if each != each.lower() or each != normalize("NFKD", each))]


@pytest.mark.fault(40, 46)
@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: " ".join(type(part).__name__ for part in chain))
def test_no_character_grows_more_than_its_normalizers_can(chain):
    normalizer = Normalizers(chain)
    growth = growth_of(gpt2_tokenizer(normalizer=normalizer))
    for character in CHANGING:
        assert len(normalizer.normalize_str(character).encode()) <= growth.bytes_of(character)


@pytest.mark.fault(40, 46)
@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, (1, 1)),
        ({"normalizer": NFKC()}, (1, 11)),
        ({"normalizer": Replace(" ", "▁")}, (3, 3)),
        ({"normalizer": Normalizers([NFKC(), Replace(" ", "ü"), NFD()])}, (6, 66)),
        ({"normalizer": Normalizers([Prepend("▁"), Replace(" ", "▁")])}, (12, 12)),
        ({"pre_tokenizer": Splits([Whitespace(), Metaspace("▁")])}, (4, 4)),
        ({"pre_tokenizer": ByteLevel(add_prefix_space=True)}, (2, 2)),
    ],
    ids=["none", "unicode", "spaces", "in turns", "prefix", "words", "bytes"],
)
def test_the_growth_of_ascii_and_of_other_characters(parts, expected):
    found = growth_of(gpt2_tokenizer(**parts))
    assert (found.ascii, found.other) == expected


def test_the_bytes_of_a_text_are_those_of_ascii_and_of_others():
    growth = growth_of(gpt2_tokenizer(normalizer=NFKC()))
    assert growth.bytes_of("abé") == 2 + 2 * 11
