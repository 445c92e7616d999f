"""Words of a text, and of a pattern: by hand."""

import numpy as np
import pytest
import torch

from headscope.analysis.formulas.words import merged, spans, words
from headscope.records import Token

from .made import random_pattern


def written(text):
    return [text[start:end] for start, end in spans(text)]


def tokens_at(*places, segment=0, first=0):
    """Tokens with these places in characters; None is a special one."""
    return [
        Token(first + n, 0, str(n), *(place or (None, None)), place is None, segment) for n, place in enumerate(places)
    ]


def found(loaded, model_id, text, pair=None):
    """The tokens of each word."""
    tokens, _ = loaded(model_id).tokens(text, pair)
    places = [spans(text), spans(pair or "")]
    return [[token.text for token in tokens[word.first : word.stop]] for word in words(tokens, places)]


def test_apostrophes_within_a_word_are_its_own_and_quotes_around_it_are_not():
    assert written("Don't say 'stop', it’s late") == ["Don't", "say", "'", "stop", "'", ",", "it’s", "late"]


def test_each_mark_of_punctuation_is_a_word():
    assert written("well-known: 3.5 (ha)!?") == ["well", "-", "known", ":", "3", ".", "5", "(", "ha", ")", "!", "?"]


@pytest.mark.parametrize("word", ["cafe\u0301s", "हिन्दी", "می\u200cخواهم", "e\u0301"])
def test_a_combining_mark_or_a_joiner_does_not_break_its_word(word):
    assert written(f"a {word}, b") == ["a", word, ",", "b"]


def test_an_emoji_is_a_word():
    assert written("so 🙂 it ☀️ is") == ["so", "🙂", "it", "☀️", "is"]


def test_no_text_has_no_words():
    assert written("") == written(" \n") == []


def test_to_a_word_goes_the_sum_and_from_it_the_mean():
    """play ##ing on."""
    pattern = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3], [0.1, 0.2, 0.7]], dtype=torch.float64)
    whole = words(tokens_at((0, 4), (4, 7), (8, 10)), [[(0, 7), (8, 10)]])
    assert merged(pattern, whole).flatten().tolist() == pytest.approx([0.6, 0.4, 0.3, 0.7])


def test_rows_of_words_still_sum_to_1():
    pattern = torch.tensor(random_pattern(3, 6, causal=True))
    whole = words(tokens_at(None, (0, 2), (2, 3), (4, 6), (6, 9), None), [[(0, 3), (4, 9)]])
    found = merged(pattern, whole)
    assert found.shape == (3, 4, 4)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-12)


def test_where_each_token_is_a_word_nothing_changes():
    pattern = torch.tensor(random_pattern(2, 3, causal=False))
    whole = words(tokens_at((0, 1), (1, 2), (2, 3)), [[(0, 1), (1, 2), (2, 3)]])
    torch.testing.assert_close(merged(pattern, whole), pattern, rtol=0, atol=0)


def test_a_token_belongs_to_the_word_in_which_it_ends_whatever_space_it_begins_with():
    """GPT-2: `The`, ` ca`, `t`, and a space of its own."""
    places = [(0, 3), (3, 6), (6, 7), (7, 8)]
    whole = words(tokens_at(*places), [[(0, 3), (4, 7)]])
    assert [(word.first, word.stop) for word in whole] == [(0, 1), (1, 3), (3, 4)]


def test_special_tokens_stand_alone_even_between_the_same_word():
    whole = words(tokens_at((0, 2), None, (2, 4), None), [[(0, 4)]])
    assert [(word.first, word.stop) for word in whole] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert [word.special for word in whole] == [False, True, False, True]


def test_the_same_place_in_another_segment_is_another_word():
    whole = words([*tokens_at((0, 2)), *tokens_at((0, 1), (1, 2), segment=1, first=1)], [[(0, 2)], [(0, 2)]])
    assert [(word.first, word.stop, word.segment) for word in whole] == [(0, 1, 0), (1, 3, 1)]


def test_bert_pieces_make_words_again(loaded):
    whole = found(loaded, "local:bert", "The cats sat.")
    assert whole == [["[CLS]"], ["the"], ["cat", "##s"], ["sat"], ["."], ["[SEP]"]]


def test_a_word_knows_its_text_and_place(loaded):
    tokens, _ = loaded("local:bert").tokens("The cats sat.")
    word = words(tokens, [spans("The cats sat.")])[2]
    assert (word.text, word.start, word.end, word.special) == ("cats", 4, 8, False)


def test_a_character_that_is_split_is_in_the_text_of_its_word_once(loaded):
    tokens, _ = loaded("local:gpt2").tokens("caféx")
    assert [token.text for token in tokens][-3:] == ["é[1/2]", "é[2/2]", "x"]
    (word,) = words(tokens, [spans("caféx")])
    assert word.text == "caféx"


def test_both_segments_of_a_pair_have_their_words(loaded):
    pair = found(loaded, "local:bert", "A dog", "The cats ran")
    assert pair == [["[CLS]"], ["a"], ["dog"], ["[SEP]"], ["the"], ["cat", "##s"], ["ran"], ["[SEP]"]]


def test_gpt2_pieces_make_words_again_and_an_emoji_of_four_tokens_is_one(loaded):
    text = "The cat's hat 🙂!"
    whole = found(loaded, "gpt2-mini", text)
    assert [len(word) for word in whole] != [1] * len(whole)
    assert ["".join(word).strip("·") for word in whole[:3]] == ["The", "cat's", "hat"]
    assert whole[-1] == ["!"]
    assert sum(map(len, whole)) == len(loaded("gpt2-mini").tokens(text)[0])
