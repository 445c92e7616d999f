import pytest
import torch

from headscope.attention.masks import MayAttend
from headscope.errors import ShapeMismatch

YES, NO = True, False


def test_a_causal_mask_of_three_tokens_is_the_lower_triangle():
    assert MayAttend(3, 3, causal=True).whole()[0, 0].tolist() == [[YES, NO, NO], [YES, YES, NO], [YES, YES, YES]]


def test_causal_queries_are_the_last_positions_of_the_keys():
    assert MayAttend(1, 3, causal=True).whole()[0, 0].tolist() == [[YES, YES, YES]]


def test_a_window_of_two_allows_the_token_and_its_neighbours():
    assert MayAttend(3, 3, window=2).whole()[0, 0].tolist() == [[YES, YES, NO], [YES, YES, YES], [NO, YES, YES]]


def test_a_causal_window_of_two_allows_the_token_and_the_one_before():
    whole = MayAttend(3, 3, causal=True, window=2).whole()[0, 0]
    assert whole.tolist() == [[YES, NO, NO], [YES, YES, NO], [NO, YES, YES]]


def test_padding_hides_keys_of_its_own_sequence_only():
    padding = torch.tensor([[YES, YES], [NO, YES]])
    whole = MayAttend(1, 2, padding=padding).whole()
    assert whole.tolist() == [[[[YES, YES]]], [[[NO, YES]]]]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("window", [None, 3])
def test_any_block_equals_that_part_of_the_whole_mask(causal, window):
    make = torch.Generator().manual_seed(0)
    padding = torch.rand(2, 11, generator=make) > 0.3
    given = torch.rand(2, 1, 7, 11, generator=make) > 0.3
    rule = MayAttend(7, 11, causal, window, padding, given)
    assert torch.equal(rule.block(range(2, 6), range(3, 10)), rule.whole()[..., 2:6, 3:10])


def test_more_rules_never_allow_more():
    free = MayAttend(6, 6, causal=True).whole()
    padded = MayAttend(6, 6, causal=True, padding=torch.tensor([[True] * 4 + [False] * 2])).whole()
    assert not (padded & ~free).any()
    assert padded.sum() < free.sum()


def test_a_mask_that_is_not_boolean_is_refused():
    with pytest.raises(ShapeMismatch, match=r"boolean.*float32"):
        MayAttend(2, 2, given=torch.zeros(1, 1, 2, 2))


def test_padding_of_another_length_is_refused_with_both_sizes():
    with pytest.raises(ShapeMismatch, match=r"\[1, 3\].*4 keys"):
        MayAttend(4, 4, padding=torch.ones(1, 3, dtype=torch.bool))


def test_a_given_mask_of_another_shape_is_refused_with_both_shapes():
    with pytest.raises(ShapeMismatch, match=r"\[1, 1, 3, 4\].*\[4, 4\]"):
        MayAttend(4, 4, given=torch.ones(1, 1, 3, 4, dtype=torch.bool))


@pytest.mark.parametrize(
    "wrong", [{"padding": torch.ones(4, dtype=torch.bool)}, {"given": torch.ones(4, 4, dtype=torch.bool)}]
)
def test_a_mask_that_lacks_an_axis_is_refused(wrong):
    with pytest.raises(ShapeMismatch, match=r"\[4"):
        MayAttend(4, 4, **wrong)


@pytest.mark.parametrize("causal", [True, False])
def test_a_block_is_open_if_the_rules_allow_all_of_it(causal):
    rule = MayAttend(4, 6, causal=causal)
    for rows in (range(a, b) for a in range(4) for b in range(a + 1, 5)):
        for columns in (range(a, b) for a in range(6) for b in range(a + 1, 7)):
            assert rule.is_open(rows, columns) == bool(rule.block(rows, columns).all())


def test_with_a_mask_no_block_counts_as_open():
    for mask in ({"window": 9}, {"padding": torch.ones(1, 4, dtype=torch.bool)}):
        assert not MayAttend(4, 4, **mask).is_open(range(4), range(4))
