"""Row scores: answers worked out by hand, and a second implementation in plain Python."""

import numpy as np
import pytest
import torch

from headscope.analysis.formulas.block import Block, is_punctuation, text_of
from headscope.analysis.table import BY_NAME, ROW_SCORES

from .patterns import blocks, random_pattern, score, shifted, sink, tokens_of, uniform
from .second_implementations import SECOND_IMPLEMENTATIONS, Text

NAN = np.nan
SEPARATED = ["[CLS]", "the", "cat", ",", "the", "dog", ".", "the", "cat", "[SEP]", "a", "dog", ",", "[SEP]"]
PLAIN = ["the", "cat", ",", "the", "dog", ".", "the", "cat", "sat", "sat", "a", "dog", ",", "a"]


def is_close(found, wanted):
    np.testing.assert_allclose(found, [wanted], atol=1e-12)
    return True


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("name", list(SECOND_IMPLEMENTATIONS))
def test_a_score_is_that_of_the_second_implementation(name, causal):
    words = PLAIN if causal else SEPARATED
    patterns = random_pattern(3, len(words), causal)
    wanted = [
        [SECOND_IMPLEMENTATIONS[name](A, i, Text(words, causal)) for i in range(len(words))] for A in patterns.tolist()
    ]
    found = score(name, patterns, words, causal)
    np.testing.assert_allclose(found, np.array(wanted, dtype=float), atol=1e-12)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("name", list(SECOND_IMPLEMENTATIONS))
def test_the_scores_of_a_block_of_rows_are_those_of_the_whole_pattern(name, causal):
    words = PLAIN if causal else SEPARATED
    patterns = random_pattern(3, len(words), causal)
    parts = [score(name, patterns, words, causal, rows) for rows in (range(5), range(5, 6), range(6, 14))]
    np.testing.assert_allclose(np.concatenate(parts, -1), score(name, patterns, words, causal), atol=1e-12)


def test_every_score_has_a_second_implementation():
    assert list(SECOND_IMPLEMENTATIONS) == [entry.name for entry in ROW_SCORES] == list(BY_NAME)


def test_uniform_attention_over_8_keys_has_3_bits_and_normalised_entropy_1():
    assert is_close(score("entropy", uniform(8)), [3] * 8)
    assert is_close(score("normalised_entropy", uniform(8)), [1] * 8)
    assert is_close(score("entropy", uniform(4, causal=True), causal=True), [0, 1, np.log2(3), 2])
    assert is_close(score("normalised_entropy", uniform(4, causal=True), causal=True), [NAN, 1, 1, 1])


def test_a_query_that_attends_to_one_key_has_entropy_0():
    assert is_close(score("entropy", shifted(5, -1)), [0] * 5)


def test_the_diagonal_is_attention_to_itself_at_distance_0():
    assert is_close(score("self", np.eye(4)), [1] * 4)
    assert is_close(score("distance", np.eye(4)), [0] * 4)
    assert is_close(score("confidence", np.eye(4)), [1] * 4)


def test_the_previous_token_score_counts_all_queries_but_the_first():
    assert is_close(score("previous", shifted(4, -1), causal=True), [NAN, 1, 1, 1])
    assert is_close(score("next", shifted(4, -1), causal=True), [NAN] * 4)
    assert is_close(score("next", shifted(4, 1)), [1, 1, 1, NAN])
    assert is_close(score("signed_distance", shifted(4, -1)), [0, -1, -1, -1])
    assert is_close(score("signed_distance", shifted(4, -1), causal=True), [NAN] * 4)


def test_the_first_query_of_a_causal_model_is_not_counted_for_the_first_token():
    assert is_close(score("first", sink(4, 0.75), causal=True), [NAN, 0.75, 0.75, 0.75])
    assert is_close(score("first", sink(4, 0.75)), [1, 0.75, 0.75, 0.75])


def test_uniform_attention_within_blocks_of_four_has_two_bits():
    assert is_close(score("entropy", blocks(8, 4)), [2] * 8)
    assert is_close(score("distance", blocks(4, 4)), [1.5, 1, 1, 1.5])


@pytest.mark.parametrize("causal", [True, False])
def test_distance_is_a_sum_over_keys_also_if_a_row_does_not_sum_to_1(causal):
    half = 0.5 * shifted(4, -1)
    assert is_close(score("distance", half, causal=causal), [0, 0.5, 0.5, 0.5])
    signed = [NAN] * 4 if causal else [0, -0.5, -0.5, -0.5]
    assert is_close(score("signed_distance", half, causal=causal), signed)


def test_distance_is_exact_far_into_a_long_text():
    size = 16_384
    weights = torch.zeros(1, 64, size)
    weights[0, :, size - 64 :] = torch.tensor(shifted(64, -1)).float()
    text = text_of(tokens_of(["a"] * size), causal=True)
    found = BY_NAME["distance"].of(Block(weights, range(size - 64, size), text))
    assert found[0].tolist() == [0, *[1] * 63]


def test_tokens_that_end_a_sentence_do_not_count_for_confidence():
    words = ["[CLS]", "a", "[SEP]"]
    assert is_close(score("confidence", [[0.5, 0.25, 0.25], [0.25, 0.125, 0.625], [0, 1, 0]], words), [0.5, 0.25, NAN])


def test_a_text_without_special_tokens_or_punctuation_has_no_score_for_them():
    for name in ("delimiter", "punctuation"):
        assert is_close(score(name, uniform(3), ["a", "b", "c"]), [NAN] * 3)


def test_queries_of_a_repeated_phrase_have_a_copy_and_a_token_after_it():
    words = ["a", "b", "c", "a", "b", "c"]
    assert is_close(score("duplicate", shifted(6, -3), words, causal=True), [NAN, NAN, NAN, 1, 1, 1])
    assert is_close(score("induction", shifted(6, -2), words, causal=True), [NAN, NAN, NAN, 1, 1, 1])
    assert is_close(score("duplicate", shifted(6, -2), words, causal=True), [NAN, NAN, NAN, 0, 0, 0])


def test_a_token_is_not_a_copy_of_itself_and_the_query_is_not_a_token_after_its_copy():
    assert is_close(score("induction", np.eye(2), ["a", "a"], causal=True), [NAN, NAN])
    assert is_close(score("duplicate", np.eye(2), ["a", "a"], causal=True), [NAN, 0])


def test_the_rarest_token_has_the_highest_id_and_is_not_special():
    words = ["the", "okapi", "the", "[SEP]"]
    pattern = [[0, 1, 0, 0], [0.5, 0.25, 0.25, 0], [0, 0.75, 0, 0.25], [0, 0, 0, 1]]
    assert is_close(score("rare", pattern, words), [1, 0, 1, 0])


def test_a_query_before_the_rarest_token_is_not_counted():
    assert is_close(score("rare", shifted(3, -1), ["the", "okapi", "the"], causal=True), [NAN, 0, 1])


def test_a_token_that_is_part_of_a_punctuation_mark_is_punctuation():
    assert [is_punctuation(label) for label in ("“[1/3]", "·—[2/3]", "é[1/2]", "🦜[4/4]")] == [True, True, False, False]


def test_a_token_is_punctuation_if_all_its_characters_are():
    assert [is_punctuation(label) for label in (",", "·.", "...", "·", "··", "##a", "a.", "·a", "$", "")] == [
        True, True, True, False, False, False, False, False, False, False,
    ]  # fmt: skip
