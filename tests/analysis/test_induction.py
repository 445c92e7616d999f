"""The standard probe."""

import numpy as np
import pytest
from worlds import CountedProgress

from headscope.analysis.induction import around, draws, probe
from headscope.errors import Stopped


def test_gpt2_mini_has_the_heads_that_its_card_promises(loaded):
    found = probe(loaded("gpt2-mini"))
    previous, duplicate, induction = (values.max() for values in found.values)
    assert previous > 0.85
    assert induction > 0.85
    assert (found.sequences, found.length) == (10, 50)
    assert not np.isnan(found.values).any()
    assert duplicate < 1


def test_it_is_the_same_each_time(loaded):
    model = loaded("local:bert")
    np.testing.assert_array_equal(probe(model).values, probe(model).values)


def test_no_token_of_a_sequence_is_special_or_comes_twice(loaded):
    model = loaded("local:bert")
    special = set(around(model)[0]) | set(around(model)[1])
    for drawn in draws(model, 8):
        assert len(set(drawn)) == 8
        assert not special & set(drawn)


def test_texts_of_a_model_begin_and_end_as_in_its_training(loaded):
    assert [len(part) for part in around(loaded("minilm"))] == [1, 1]
    assert [len(part) for part in around(loaded("gpt2-mini"))] == [1, 0]


def test_the_probe_can_be_stopped(loaded):
    with pytest.raises(Stopped):
        probe(loaded("local:gpt2"), CountedProgress(stop_at=4))
