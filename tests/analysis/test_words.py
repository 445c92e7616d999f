"""Words of a capture, read off its tokens."""

import numpy as np
import pytest

from headscope.analysis.words import again, window_of_words, words_of
from headscope.capture.capture import run
from headscope.capture.windows import head_tile, window


def words(loaded, model_id, text, pair=None):
    capture = run(loaded(model_id), text, pair)
    return [(word.text, word.first, word.stop) for word in words_of(capture)], capture


@pytest.mark.parametrize("model_id", ["minilm", "gpt2-mini"])
def test_tokens_are_put_together_to_the_words_of_the_text(loaded, model_id):
    text = "Unbelievably, the riverbank overflowed - didn't it?"
    found, capture = words(loaded, model_id, text)
    said = [text[word.start : word.end].strip() for word in words_of(capture) if not word.special]
    said = [word for word in said if word]  # a space that is a token of its own stands alone
    assert said == ["Unbelievably", ",", "the", "riverbank", "overflowed", "-", "didn't", "it", "?"]
    assert found[0][1] == 0
    assert [stop for _, _, stop in found[:-1]] == [first for _, first, _ in found[1:]]
    assert found[-1][2] == len(capture.tokens)


def test_special_tokens_stand_alone_and_no_word_goes_over_from_text_to_pair(loaded):
    found, _ = words(loaded, "minilm", "The end", "end it")
    assert [text for text, _, _ in found] == ["[CLS]", "the", "end", "[SEP]", "end", "it", "[SEP]"]


def test_a_character_of_several_tokens_is_one_word(loaded):
    found, capture = words(loaded, "gpt2-mini", "a 🦜 b")
    assert len(capture.tokens) == 7
    assert found == [("a", 0, 1), ("·", 1, 2), ("🦜", 2, 6), ("·b", 6, 7)]


def test_what_tokens_tell_of_the_text(loaded):
    text = "Good night,\n  dear  reader"
    assert again(words(loaded, "gpt2-mini", text)[1].tokens, 0).split() == text.split()


def test_weights_to_a_word_are_added_and_from_it_averaged(loaded):
    found, capture = words(loaded, "minilm", "The riverbank overflowed.")
    part = window(len(found), None, None, None)
    of_words = window_of_words(capture, 2, 3, part, "max")
    whole = head_tile(capture, 2, 3, window(len(capture.tokens), None, None, None))
    for row, (_, first, stop) in enumerate(found):
        for column, (_, start, end) in enumerate(found):
            assert of_words[row, column] == pytest.approx(whole[first:stop, start:end].sum(-1).mean(), abs=1e-6)
    np.testing.assert_allclose(of_words.sum(-1), 1, atol=1e-5)


def test_typographic_signs_that_are_split_are_signs_and_no_letters(loaded):
    """gpt2-mini makes three tokens of each."""
    text = "He said “no” and ‘yes’ — it’s €5…"
    _, capture = words(loaded, "gpt2-mini", text)
    said = [text[word.start : word.end].strip() for word in words_of(capture)]
    wanted = ["He", "said", "“", "no", "”", "and", "‘", "yes", "’", "—", "it’s", "€", "5", "…"]
    assert [word for word in said if word] == wanted
