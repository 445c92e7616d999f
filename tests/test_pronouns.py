"""Pronoun heads: reading the file, and evaluations with answers worked out by hand."""

import numpy as np
import pytest
from treebanks import ANN, HEADER, LATER, NEITHER, capture_of, tokens_at

from benchmarks import gap, pronouns


def test_candidates_are_in_the_order_of_the_text_and_the_meant_one_is_known():
    ann, later, neither = gap.snippets(HEADER + ANN + LATER + NEITHER)
    assert (ann.candidates, ann.truth, ann.nearest, ann.looks_back) == (((1, 4), (10, 13)), 0, 1, True)
    assert (later.candidates, later.truth, later.nearest, later.looks_back) == (((0, 3), (18, 21)), 1, 0, False)
    assert neither.truth is None


def test_a_name_that_is_not_at_its_offset_is_an_error():
    with pytest.raises(ValueError, match="v-3: 'Eve' is not at character 7, but ' Ev'"):
        list(gap.snippets(HEADER + NEITHER.replace("Eve	8", "Eve	7")))


def test_attention_to_a_name_is_a_sum_and_from_a_pronoun_a_mean_over_tokens():
    (ann,) = gap.snippets(HEADER + ANN.replace("TRUE", "FALSE"))
    tokens = tokens_at((0, 3), (3, 4), (4, 9), (10, 13), (13, 14), (15, 17), (17, 18))
    pattern = np.zeros((7, 7))
    pattern[5, :4], pattern[6, :4] = [0.1, 0.3, 0.5, 0.1], [0.2, 0.0, 0.3, 0.5]
    mass = pronouns.of_candidates(capture_of(tokens, [pattern]), ann)
    assert mass[0, 0].tolist() == pytest.approx([0.3, 0.3])


def test_a_name_without_its_own_token_is_not_evaluated():
    (ann,) = gap.snippets(HEADER + ANN)
    tokens = tokens_at((0, 9), (10, 13), (15, 18))
    assert pronouns.of_candidates(capture_of(tokens, [np.eye(3)]), ann) is None


def test_the_accuracy_of_the_simple_rules():
    found = pronouns.by_rule([*gap.snippets(HEADER + ANN + LATER)])
    assert found == {"nearest": 0, "first": 0.5, "last": 0.5}


def test_the_report_says_which_snippets_were_skipped(loaded):
    long = ANN.replace("left.", "left " + "again " * 60)
    read = [*gap.snippets(HEADER + ANN + ANN + LATER + NEITHER + long)]
    data, *others = pronouns.rows(loaded("local:gpt2"), read)
    assert data.measured == "5 snippets, 3 evaluated"
    assert data.comparison.startswith("skipped: 1 (refers to neither or both), 1 (too long for the model), 0 ")
    assert [row.what for row in others] == ["local:gpt2, both names before the pronoun, 2 snippets"]
    assert others[0].comparison == "nearest name 0.0 %, first name 100.0 %, last name 0.0 %"
    _, whole, back = pronouns.rows(loaded("local:bert"), read)
    assert (whole.what, back.what[-11:]) == ("local:bert, all, 3 snippets", " 2 snippets")
