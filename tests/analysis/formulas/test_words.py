"""Words of a text, and of a pattern: worked out by hand."""

import numpy as np
import pytest
import torch

from headscope.analysis.formulas.words import merged, span_at, words
from headscope.records import Token

from .patterns import random_pattern


def tokens_at(*places, segment=0, first=0):
    """Tokens at these places in characters; None is a special token."""
    return [
        Token(first + n, 0, str(n), *(place or (None, None)), place is None, segment) for n, place in enumerate(places)
    ]


def tokens_of_words(loaded, model_id, text, pair=None):
    """The labels of the tokens of each word."""
    tokens, _ = loaded(model_id).tokens(text, pair)
    return [[token.text for token in tokens[word.first : word.stop]] for word in words(tokens, (text, pair or ""))]


def test_attention_to_a_word_is_the_sum_and_from_it_the_mean_of_its_tokens():
    pattern = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3], [0.1, 0.2, 0.7]], dtype=torch.float64)
    whole = words(tokens_at((0, 4), (4, 7), (8, 10)), ["playing on"])
    assert merged(pattern, whole).flatten().tolist() == pytest.approx([0.6, 0.4, 0.3, 0.7])


def test_rows_of_words_still_sum_to_1():
    pattern = torch.tensor(random_pattern(3, 6, causal=True))
    whole = words(tokens_at(None, (0, 2), (2, 3), (4, 6), (6, 9), None), ["cat plays"])
    found = merged(pattern, whole)
    assert found.shape == (3, 4, 4)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-12)


def test_a_pattern_does_not_change_where_each_token_is_a_word():
    pattern = torch.tensor(random_pattern(2, 3, causal=False))
    whole = words(tokens_at((0, 1), (1, 2), (2, 3)), ["a,b"])
    torch.testing.assert_close(merged(pattern, whole), pattern, rtol=0, atol=0)


def test_a_token_belongs_to_the_word_in_which_it_ends_also_if_it_begins_with_a_space():
    """The tokens `The`, ` ca`, `t`, and a space of its own."""
    found = words(tokens_at((0, 3), (3, 6), (6, 7), (7, 8)), ["The cat "])
    assert [(word.text, word.first, word.stop) for word in found] == [("The", 0, 1), (" cat", 1, 3), (" ", 3, 4)]


def test_each_mark_of_punctuation_is_a_word_and_one_token_of_several_marks_is_not_divided():
    found = words(tokens_at((0, 1), (1, 2), (2, 4), (4, 5)), ["a?!)."])
    assert [word.text for word in found] == ["a", "?", "!)", "."]


def test_tokens_that_share_a_character_are_one_word_even_across_words():
    """Byte-level tokens: two bytes of the first character, its last byte with one of the next, and the rest."""
    found = words(tokens_at((0, 1), (0, 2), (1, 2), (2, 3)), ["猫犬。"])
    assert [(word.text, word.first, word.stop) for word in found] == [("猫犬", 0, 3), ("。", 3, 4)]


@pytest.mark.parametrize("text", ["\r\n", "e\u0301", "👩\u200d👧"])
def test_tokens_of_one_grapheme_are_one_word(text):
    found = words(tokens_at(*((n, n + 1) for n in range(len(text)))), [text])
    assert [word.text for word in found] == [text]


def test_spaces_are_words_of_their_own():
    found = words(tokens_at((0, 1), (1, 2), (2, 3), (3, 5), (5, 6)), ["a  \n\nb"])
    assert [word.text for word in found] == ["a", " ", " ", "\n\n", "b"]


def test_marks_that_no_token_has_are_in_the_text_of_their_word():
    """BERT drops accents, vowel signs and soft hyphens."""
    found = words(tokens_at((0, 1), (2, 3), (6, 7)), ["בּי\u05b4 \u05b4כ\u05b4"])
    assert [word.text for word in found] == ["בּי\u05b4", "כ\u05b4"]


def test_a_mark_with_a_token_of_its_own_is_in_the_text_once():
    found = words(tokens_at((0, 1), (1, 2)), ["a\u0301"], [[(0, 1), (1, 2)]])
    assert [word.text for word in found] == ["a", "\u0301"]


def test_the_text_of_a_word_ends_where_the_text_was_cut():
    found = words(tokens_at((0, 3), (4, 6)), ["The unbelievable"])
    assert [word.text for word in found] == ["The", "un"]


def test_special_tokens_are_words_of_their_own_also_within_a_word():
    found = words(tokens_at((0, 2), None, (2, 4), None), ["cats"])
    assert [(word.first, word.stop) for word in found] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert [word.special for word in found] == [False, True, False, True]
    assert [word.text for word in found] == ["ca", "1", "ts", "3"]


def test_a_word_does_not_continue_from_a_text_to_its_pair():
    found = words([*tokens_at((0, 2)), *tokens_at((0, 1), (1, 2), segment=1, first=1)], ["ab", "cd"])
    assert [(word.text, word.first, word.stop, word.segment) for word in found] == [("ab", 0, 1, 0), ("cd", 1, 3, 1)]


def test_other_units_can_be_given_and_a_token_outside_them_is_alone():
    """A treebank divides `don't` into `do` and `n't`."""
    found = words(tokens_at((0, 2), (2, 3), (3, 5), (6, 7), (7, 8)), ["don't xy"], [[(0, 2), (2, 5)]])
    assert [(word.text, word.first, word.stop) for word in found] == [
        ("do", 0, 1),
        ("n't", 1, 3),
        ("x", 3, 4),
        ("y", 4, 5),
    ]


def test_the_span_of_a_character():
    spans = [(0, 2), (3, 5)]
    assert [span_at(spans, end) for end in range(1, 7)] == [0, 0, None, 1, 1, None]
    assert span_at([], 1) is None


def test_pieces_of_bert_are_joined_to_words(loaded):
    whole = tokens_of_words(loaded, "local:bert", "The cats sat.")
    assert whole == [["[CLS]"], ["the"], ["cat", "##s"], ["sat"], ["."], ["[SEP]"]]


def test_a_word_has_its_text_as_it_is_in_the_source_and_its_place(loaded):
    tokens, _ = loaded("local:bert").tokens("The CATS sat.")
    word = words(tokens, ["The CATS sat."])[2]
    assert (word.text, word.start, word.end, word.special) == ("CATS", 4, 8, False)


def test_a_character_of_several_tokens_is_in_the_text_of_its_word_once(loaded):
    tokens, _ = loaded("local:gpt2").tokens("caféx")
    assert [token.text for token in tokens][-3:] == ["é[1/2]", "é[2/2]", "x"]
    (word,) = words(tokens, ["caféx"])
    assert word.text == "caféx"


def test_both_texts_of_a_pair_have_their_words(loaded):
    pair = tokens_of_words(loaded, "local:bert", "A dog", "The cats ran")
    assert pair == [["[CLS]"], ["a"], ["dog"], ["[SEP]"], ["the"], ["cat", "##s"], ["ran"], ["[SEP]"]]


def test_pieces_of_gpt2_are_joined_to_words_and_an_emoji_of_four_tokens_is_one(loaded):
    text = "The cat's hat 🙂!"
    whole = tokens_of_words(loaded, "gpt2-mini", text)
    assert [len(word) for word in whole] != [1] * len(whole)
    assert ["".join(word).strip("·") for word in whole[:3]] == ["The", "cat's", "hat"]
    assert whole[-1] == ["!"]
    assert sum(map(len, whole)) == len(loaded("gpt2-mini").tokens(text)[0])
