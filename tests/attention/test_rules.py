import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headscope.attention import row_blocks
from headscope.attention.rules import Rule, banded, causal, from_mask, full
from headscope.errors import ShapeMismatch

YES, NO = True, False


def test_a_causal_rule_of_three_tokens_is_the_lower_triangle():
    assert causal(3, 3).whole()[0, 0].tolist() == [[YES, NO, NO], [YES, YES, NO], [YES, YES, YES]]


def test_causal_queries_are_the_last_positions_of_the_keys():
    assert causal(1, 3).whole()[0, 0].tolist() == [[YES, YES, YES]]


def test_with_an_offset_of_zero_the_first_query_is_at_the_first_key():
    assert causal(2, 3, offset=0).whole()[0, 0].tolist() == [[YES, NO, NO], [YES, YES, NO]]


def test_a_band_of_one_allows_the_token_and_its_neighbours():
    found = banded(3, 3, before=1, after=1).whole()[0, 0]
    assert found.tolist() == [[YES, YES, NO], [YES, YES, YES], [NO, YES, YES]]


def test_a_causal_window_of_two_allows_the_token_and_the_one_before():
    found = banded(3, 3, before=1, after=0).whole()[0, 0]
    assert found.tolist() == [[YES, NO, NO], [YES, YES, NO], [NO, YES, YES]]


def test_padding_hides_keys_of_its_own_sequence_only():
    found = full(1, 2).and_padding(torch.tensor([[YES, YES], [NO, YES]])).whole()
    assert found.tolist() == [[[[YES, YES]]], [[[NO, YES]]]]


def mask_of(kind, queries=12, keys=12):
    """A mask as models have them, written cell by cell."""
    tests = {
        "full": lambda i, j: i >= 0 <= j,
        "causal": lambda i, j: j <= i,
        "causal window": lambda i, j: i - 4 < j <= i,
        "two-sided window": lambda i, j: abs(i - j) < 3,
        "chunks": lambda i, j: j <= i and i // 4 == j // 4,
        "prefix": lambda i, j: j <= i or j < 5,
        "packed": lambda i, j: j <= i and (i < 7) == (j < 7),
        "left padding": lambda i, j: 2 <= j <= i,
        "right padding": lambda i, j: j <= i and j < 9,
        "padding in between": lambda i, j: j <= i and j not in (3, 4),
        "an empty row": lambda i, j: i != 5 and j <= i,
        "nothing": lambda i, j: i < 0 > j,
        "dilated": lambda i, j: j <= i and (i - j) % 2 == 0,
        "blocks with global keys": lambda i, j: j == 0 or i // 3 == j // 3,
    }
    return torch.tensor([[tests[kind](i, j) for j in range(keys)] for i in range(queries)])[None, None]


INTERVALS = [
    "full", "causal", "causal window", "two-sided window", "chunks", "prefix", "packed", "left padding",
    "right padding", "padding in between", "an empty row", "nothing",
]  # fmt: skip
NO_INTERVALS = ["dilated", "blocks with global keys"]


@pytest.mark.parametrize("kind", [*INTERVALS, *NO_INTERVALS])
def test_the_rule_of_a_mask_has_its_value_in_every_cell(kind, monkeypatch):
    monkeypatch.setattr(row_blocks, "ROWS_PER_BLOCK", 5)  # so that twelve rows are three blocks, the last one short
    mask = mask_of(kind)
    rule = from_mask(mask)
    assert torch.equal(rule.whole(), mask)
    assert (rule.bits is None) == (kind in INTERVALS)


def test_only_a_mask_that_is_no_interval_costs_a_bit_for_each_cell():
    size = 64
    assert from_mask(torch.ones(1, 1, size, size, dtype=torch.bool).tril()).bytes == 2 * size * 4
    dilated = from_mask(mask_of("dilated", size, size))
    assert dilated.bytes == 2 * size * 4 + size * size // 8


def test_the_full_mask_needs_no_memory():
    assert from_mask(mask_of("full")).is_full
    assert from_mask(mask_of("full")).bytes == 0


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 19), st.sampled_from([1, 2]), st.sampled_from([1, 3])
)
def test_any_mask_is_kept_exactly(seed, queries, keys, batch, heads):
    make = torch.Generator().manual_seed(seed)
    mask = torch.rand(batch, heads, queries, keys, generator=make) > 0.4
    rule = from_mask(mask)
    assert torch.equal(rule.whole().expand_as(mask), mask)
    rows, columns = range(queries // 3, queries), range(keys // 4, keys - keys // 3)
    part = mask[:, :, rows.start :, columns.start : columns.stop]
    assert torch.equal(rule.block(rows, columns).expand_as(part), part)
    assert torch.equal(rule.of_heads(range(heads)).whole(), rule.whole())
    one = rule.of_heads(range(heads - 1, heads)).whole()
    assert torch.equal(one.expand(batch, 1, -1, -1), mask[:, heads - 1 :])


@pytest.mark.parametrize("kind", [*INTERVALS, *NO_INTERVALS])
def test_what_any_of_some_rows_can_see_is_within_the_visible_keys(kind):
    rule, mask = from_mask(mask_of(kind)), mask_of(kind)[0, 0]
    for start in range(12):
        rows = range(start, min(start + 3, 12))
        seen = mask[rows.start : rows.stop].any(0).nonzero().flatten().tolist()
        visible = rule.visible(rows)
        assert set(seen) <= set(visible)
        if kind in NO_INTERVALS or not seen:
            continue
        assert (visible.start, visible.stop) == (seen[0], seen[-1] + 1) or rule.padding is not None or rule.is_full


@pytest.mark.parametrize("kind", [*INTERVALS, *NO_INTERVALS])
def test_a_rule_is_causal_if_no_query_attends_to_a_later_key(kind):
    mask = mask_of(kind)
    assert from_mask(mask).is_causal == (not mask.triu(1).any())


@pytest.mark.parametrize("kind", INTERVALS)
def test_only_the_whole_lower_triangle_counts_as_plain_causal(kind):
    assert from_mask(mask_of(kind)).is_lower_triangle == (kind == "causal")
    assert not from_mask(mask_of("causal", 5, 12)).is_lower_triangle


@pytest.mark.parametrize("kind", [*INTERVALS, *NO_INTERVALS])
def test_any_block_equals_that_part_of_the_whole(kind):
    rule = from_mask(mask_of(kind))
    assert torch.equal(rule.block(range(2, 6), range(3, 10)), rule.whole()[..., 2:6, 3:10])


@pytest.mark.parametrize(
    "rule", [causal(4, 6), full(4, 6), banded(4, 6, before=2, after=1)], ids=["causal", "full", "band"]
)
def test_a_block_is_open_if_the_intervals_allow_all_of_it(rule):
    for rows in (range(a, b) for a in range(4) for b in range(a + 1, 5)):
        for columns in (range(a, b) for a in range(6) for b in range(a + 1, 7)):
            assert rule.is_open(rows, columns) == bool(rule.block(rows, columns).all())


def test_with_padding_or_bits_no_block_counts_as_open():
    padded = full(4, 4).and_padding(torch.ones(1, 4, dtype=torch.bool))
    for rule in (padded, from_mask(mask_of("dilated"))):
        assert not rule.is_open(range(1), range(1))


def test_a_given_mask_and_a_rule_allow_what_both_allow():
    make = torch.Generator().manual_seed(0)
    mask = torch.rand(2, 3, 12, 12, generator=make) > 0.3
    assert torch.equal(causal(12, 12).and_mask(mask).whole(), causal(12, 12).whole() & mask)


def test_a_mask_that_is_not_boolean_is_refused():
    with pytest.raises(ShapeMismatch, match=r"boolean.*float32"):
        from_mask(torch.zeros(1, 1, 2, 2))


def test_padding_of_another_length_is_refused_with_both_sizes():
    with pytest.raises(ShapeMismatch, match=r"\[1, 3\].*4 keys"):
        full(4, 4).and_padding(torch.ones(1, 3, dtype=torch.bool))


def test_a_given_mask_of_another_shape_is_refused_with_both_shapes():
    with pytest.raises(ShapeMismatch, match=r"\[1, 1, 3, 4\].*\[4, 4\]"):
        full(4, 4).and_mask(torch.ones(1, 1, 3, 4, dtype=torch.bool))


def test_limits_of_another_number_of_queries_are_refused_with_both_numbers():
    with pytest.raises(ShapeMismatch, match=r"low \[1, 3\].*4 queries"):
        Rule(4, 4, torch.zeros(1, 3, dtype=torch.int32), torch.ones(1, 3, dtype=torch.int32))


@pytest.mark.parametrize("wrong", ["padding", "mask"])
def test_a_mask_that_lacks_an_axis_is_refused(wrong):
    with pytest.raises(ShapeMismatch, match=r"\[4"):
        if wrong == "padding":
            full(4, 4).and_padding(torch.ones(4, dtype=torch.bool))
        else:
            full(4, 4).and_mask(torch.ones(4, 4, dtype=torch.bool))
