"""The words of a capture: of its text, in many scripts and with both bundled tokenizers."""

import weakref
from itertools import pairwise

import numpy as np
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from headscope.analysis.words import window_of_words, words_from, words_of
from headscope.capture.capture import run
from headscope.capture.windows import head_window, window
from headscope.models.registry import Catalogue, folder_of
from headscope.models.tokens import read_tokenizer, tokenize
from headscope.records import Prompt

BUNDLED = ("minilm", "gpt2-mini")
# Text, its words as ICU divides it, and those that the uncased BERT of minilm has no token for.
SCRIPTS = {
    "decomposed accents": ("cafe\u0301s ve\u0301cus", "cafe\u0301s ve\u0301cus", ""),
    "accents at both ends": ("E\u0301le\u0300ve\u0301 e\u0301", "E\u0301le\u0300ve\u0301 e\u0301", ""),
    "several marks": ("a\u0323\u0302b\u0302\u0323", "a\u0323\u0302b\u0302\u0323", ""),
    "soft hyphens": ("hy\u00adphen\u00adated", "hy\u00adphen\u00adated", ""),
    "zero-width non-joiner": ("می\u200cخواهم برم", "می\u200cخواهم برم", ""),
    "zero-width space": ("zero\u200bwidth", "zero \u200b width", "\u200b"),
    "word joiner": ("a\u2060b c", "a\u2060b c", ""),
    "byte order mark": ("\ufeffBOM", "\ufeff BOM", "\ufeff"),
    "vowelled Arabic": ("مَرْحَبًا بِكَ", "مَرْحَبًا بِكَ", ""),
    "vowelled Hebrew": ("שָׁלוֹם עוֹלָם", "שָׁלוֹם עוֹלָם", ""),
    "Hindi": ("नमस्ते दुनिया", "नमस्ते दुनिया", ""),
    "Hangul": ("한국어 텍스트", "한국어 텍스트", ""),
    "Hangul in letters": (
        "\u1112\u1161\u11ab\u1100\u1173\u11af \u1100\u1173\u11af",
        "\u1112\u1161\u11ab\u1100\u1173\u11af \u1100\u1173\u11af",
        "",
    ),
    "Chinese": ("我喜欢猫。", "我 喜欢 猫 。", ""),
    "Japanese": ("日本語でカタカナ", "日本語 で カタカナ", ""),
    "emoji with joiners": ("a 👩\u200d👩\u200d👧 b", "a 👩\u200d👩\u200d👧 b", ""),
    "emoji with modifiers": ("👍🏽 ☀\ufe0f", "👍🏽 ☀\ufe0f", ""),
    "a capital with a dot": ("İstanbul ẞ ǅ", "İstanbul ẞ ǅ", ""),
    "a ligature": ("ﬁnd oﬀer", "ﬁnd oﬀer", ""),
    "apostrophes and quotes": ("He said “don’t” - 'it's'", "He said “ don’t ” - ' it's '", ""),
    "numbers": ("3.5 of 1,000", "3.5 of 1,000", ""),
}


@pytest.fixture(scope="module")
def tokenizers():
    return {
        model_id: read_tokenizer((folder_of(Catalogue().lookup(model_id)) / "tokenizer.json").read_bytes())
        for model_id in BUNDLED
    }


def words_in(tokenizers, model_id, text, pair=None):
    tokens, _ = tokenize(tokenizers[model_id], text, pair, pairs=model_id == "minilm")
    return words_from(tokens, (text, pair or "")), tokens


@pytest.mark.parametrize("model_id", BUNDLED)
@pytest.mark.parametrize("script", SCRIPTS)
def test_tokens_are_joined_to_the_words_of_the_text(tokenizers, model_id, script):
    text, expected, dropped = SCRIPTS[script]
    found, _ = words_in(tokenizers, model_id, text)
    written = [text[word.start : word.end].strip(" ") for word in found if not word.special]
    wanted = [word for word in expected.split(" ") if model_id != "minilm" or word != dropped]
    assert [word for word in written if word] == wanted


def character_sets():
    special = "aB é\u0301\u0323\u00ad\u200b\u200c\u200d\u2060\ufeff한국ᄒ\u1161مَשָि्द我カ。👩🏽"
    special += "\ufe0f🇩🇪\r\n\t.,'’3\u3000\x00\ufffd\u0600ก\u0e33"
    return st.text(st.sampled_from(special) | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=25)


@pytest.mark.parametrize("model_id", BUNDLED)
@given(text=character_sets(), pair=st.none() | character_sets())
def test_every_token_is_in_one_word_and_the_words_are_parts_of_the_text_in_order(tokenizers, model_id, text, pair):
    found, tokens = words_in(tokenizers, model_id, text, pair if model_id == "minilm" else None)
    # Contiguous runs of tokens, from the first to the last.
    assert [n for word in found for n in range(word.first, word.stop)] == list(range(len(tokens)))
    for word in found:
        own = tokens[word.first : word.stop]
        assert {token.segment for token in own} == {word.segment}
        assert [token.special for token in own] == [word.special] * (1 if word.special else len(own))
    for segment, source in enumerate((text, pair or "")):
        parts = [word for word in found if word.segment == segment and not word.special]
        # Disjoint and in order: the words, with what lies between them, are the text.
        assert all(before.end <= after.start for before, after in pairwise(parts))
        for word in parts:
            own = tokens[word.first : word.stop]
            assert word.start == min(token.start for token in own)
            assert word.end >= max(token.end for token in own)
        # No grapheme is in two words.
        for match in regex.finditer(r"\X", source):
            assert sum(word.start < match.end() and match.start() < word.end for word in parts) <= 1


def test_labels_show_spaces_and_keep_joiners(tokenizers):
    found, _ = words_in(tokenizers, "gpt2-mini", "a 👩\u200d👧\n\u200bmi\u200cx hy\u00adp")
    labels = ["a", "·", "👩\u200d👧", "↵", "⟨U+200B⟩", "mi\u200cx", "·hy⟨U+00AD⟩p"]
    assert [word.text for word in found] == labels


def test_labels_are_the_source_text_also_where_the_tokenizer_changes_it(tokenizers):
    found, _ = words_in(tokenizers, "minilm", "Çà 한국어 מִי", "THE end")
    assert [word.text for word in found] == ["[CLS]", "Çà", "한국어", "מִי", "[SEP]", "THE", "end", "[SEP]"]


def test_the_label_of_a_text_that_was_cut_ends_with_its_last_token(loaded):
    capture = run(loaded("minilm"), Prompt("the " * 3 + "internationalisationally", truncate=True), max_tokens=6)
    assert [word.text for word in words_of(capture)] == ["[CLS]", "the", "the", "the", "international", "[SEP]"]


def test_attention_to_a_word_is_added_and_from_it_averaged(loaded):
    capture = run(loaded("minilm"), "The riverbank overflowed.")
    found = words_of(capture)
    part = window(len(found), None, None, None)
    of_words = window_of_words(capture, (found, found), 2, 3, part, "max")
    whole = head_window(capture, 2, 3, window(len(capture.tokens), None, None, None))
    assert len(found) < len(capture.tokens)
    for row, query in enumerate(found):
        for column, key in enumerate(found):
            tokens = whole[query.first : query.stop, key.first : key.stop]
            assert of_words[row, column] == pytest.approx(tokens.sum(-1).mean(), abs=1e-6)
    np.testing.assert_allclose(of_words.sum(-1), 1, atol=1e-5)


def test_nothing_keeps_the_text_of_a_capture_that_has_been_dropped(loaded):
    capture = run(loaded("minilm"), "A secret that nobody else runs.")
    token = weakref.ref(capture.tokens[1])
    found = words_of(capture)
    window_of_words(capture, (found, found), 0, 0, window(len(found), None, None, None), "max")
    assert token().text == "a"
    del capture, found
    assert token() is None
