"""The induction probe."""

import numpy as np
import pytest
from worlds import CountedProgress

from headscope.analysis.induction import probe, random_tokens, special_tokens, words_of
from headscope.errors import ClientsGone


def test_gpt2_mini_has_the_heads_on_its_model_card(loaded):
    found = probe(loaded("gpt2-mini"))
    previous, duplicate, induction = (values.max() for values in found.values)
    assert previous > 0.85
    assert induction > 0.85
    assert (found.sequences, found.length) == (10, 50)
    assert not np.isnan(found.values).any()
    assert duplicate < 1


def test_the_probe_is_deterministic(loaded):
    model = loaded("local:bert")
    np.testing.assert_array_equal(probe(model).values, probe(model).values)


def test_the_tokens_of_a_sequence_are_different_and_not_special(loaded):
    model = loaded("local:bert")
    special = set(special_tokens(model)[0]) | set(special_tokens(model)[1])
    for drawn in random_tokens(words_of(model), 8):
        assert len(set(drawn)) == 8
        assert not special & set(drawn)


def test_sequences_begin_and_end_with_the_special_tokens_of_the_training(loaded):
    assert [len(part) for part in special_tokens(loaded("minilm"))] == [1, 1]
    assert [len(part) for part in special_tokens(loaded("gpt2-mini"))] == [1, 0]


def test_the_probe_can_be_stopped(loaded):
    with pytest.raises(ClientsGone):
        probe(loaded("local:gpt2"), CountedProgress(stop_at=4))
