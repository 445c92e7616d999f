"""Roles, from the attention outside the sink: worked out by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headscope.analysis.formulas.block import Block, text_of
from headscope.analysis.formulas.roles import ROLES, rest_of

from .patterns import random_pattern, shifted, sink, tokens_of, uniform

BY_NAME = {role.name: role for role in ROLES}


def share(name, pattern, words=None, causal=True):
    """The share of the attention outside the sink, the share under uniform attention, the number of counted queries."""
    weights = torch.tensor(np.array(pattern))[None]
    words = words or [str(place) for place in range(weights.shape[-1])]
    rest = rest_of(Block(weights, range(len(words)), text_of(tokens_of(words), causal)))
    got, chance, counted = BY_NAME[name].of(rest)
    left = (rest.left * counted).sum()
    return (got * counted).sum() / left, (rest.left * chance * counted).sum() / left, int(counted.sum())


def previous_behind_a_sink(size, share_of_sink):
    """A causal pattern: most attention on the first token, the rest on the token before."""
    return share_of_sink * np.eye(size)[np.zeros(size, int)] + (1 - share_of_sink) * shifted(size, -1)


def test_a_sink_dominated_head_with_the_rest_on_the_token_before_is_a_previous_token_head():
    found, _, counted = share("previous", previous_behind_a_sink(8, 0.9))
    assert found == pytest.approx(1)
    assert counted == 6  # the first has no token before, the second only the sink


def test_a_head_that_attends_to_its_sink_or_itself_has_no_other_role():
    assert share("previous", sink(8, 0.9))[0] == 0
    assert share("self", sink(8, 0.9))[0] == pytest.approx(1)


def test_chance_is_the_share_under_uniform_attention():
    found, chance, _ = share("previous", uniform(8, causal=True))
    assert found == pytest.approx(float(chance))
    seen = np.arange(2, 8)  # keys that queries 2 to 7 can see, without the first
    left = seen / (seen + 1)
    assert float(chance) == pytest.approx((left / seen).sum() / left.sum())


def test_uniform_attention_is_broad_and_attention_to_one_key_is_not():
    assert share("broad", uniform(8, causal=True))[0] == pytest.approx(1)
    assert share("broad", shifted(8, -1))[0] == pytest.approx(0, abs=1e-9)


@given(st.integers(2, 12), st.integers(0, 99), st.integers(0, 44))
def test_every_share_is_between_0_and_1_also_if_almost_all_attention_is_on_the_sink(size, seed, exponent):
    """In float32, where 1 - sink can be rounded to 0."""
    pattern = (10.0**-exponent * random_pattern(1, size, causal=True, seed=seed)[0]).astype(np.float32)
    pattern[:, 0] = 1
    rest = rest_of(
        Block(torch.tensor(pattern)[None], range(size), text_of(tokens_of([str(n) for n in range(size)]), True))
    )
    assert (rest.left >= 0).all()
    for role in ROLES:
        got, _, counted = role.of(rest)
        share = (got * counted).sum() / (rest.left * counted).sum()
        assert share.isnan() or 0 <= share <= 1 + 1e-5


def test_there_is_no_share_without_attention_outside_the_sink():
    for name in ("broad", "previous", "self"):
        assert share(name, sink(8, 1.0))[0].isnan()


def test_a_row_with_more_than_1_on_the_sink_does_not_change_the_share():
    pattern = uniform(8, causal=True)
    pattern[:, 0] = 1 + 1e-6
    assert share("broad", pattern)[0] == pytest.approx(1)


def test_the_sink_of_an_encoder_is_its_special_tokens():
    words = ["[CLS]", "a", "b", "c", "[SEP]"]
    half = 0.5 * shifted(5, 1) + 0.5 * np.eye(5)[np.full(5, 4)]
    found, _, counted = share("next", half, words, causal=False)
    assert found == pytest.approx(1)
    assert counted == 3  # after c comes the sink


def test_copies_and_the_tokens_after_them_are_found_in_a_repeated_phrase():
    words = ["start", "a", "b", "c", "a", "b", "c"]
    assert share("duplicate", shifted(7, -3), words)[0] == pytest.approx(1)
    assert share("induction", shifted(7, -2), words)[0] == pytest.approx(1)
    assert share("induction", shifted(7, -3), words)[0] == 0


def test_a_text_of_one_token_has_no_query_to_count():
    for name in BY_NAME:
        assert share(name, [[1.0]])[2] == 0
