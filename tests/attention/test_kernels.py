import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention
from worlds import qkv

from headscope.attention import fused, row_blocks
from headscope.attention.fused import attend_by_rows, attend_flash, attend_fused
from headscope.attention.kernels import attend, dot, masked_softmax, pattern_window
from headscope.attention.rules import Rule, banded, causal, from_mask, full
from headscope.attention.terms import Terms
from headscope.errors import ShapeMismatch

SHAPES = {"multi-head": (4, 4), "grouped-query": (4, 2), "multi-query": (4, 1)}
RULES = {
    "everything": full(9, 9),
    "causal": causal(9, 9),
    "window": banded(9, 9, before=2, after=0),
    "padding": Rule(9, 9, padding=torch.arange(9)[None] < torch.tensor([[9], [5]])),
}
# Sums of some dozen products: float64 loses 1e-15 a step, float32 1e-7.
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


def pattern_of(q, k, rule, scale):
    return masked_softmax(dot(q, k, scale), rule.whole())[0]


def test_one_query_two_keys_by_hand():
    q, k = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[math.log(3), 9.0], [0.0, 9.0]]]])
    v = torch.tensor([[[[4.0, 0.0], [0.0, 8.0]]]])
    z, lse = attend(q, k, v, Terms(full(1, 2), 1.0))  # weights e^ln3 : e^0 = 3/4 : 1/4
    assert z[0, 0, 0].tolist() == pytest.approx([3.0, 2.0])
    assert lse.item() == pytest.approx(math.log(4))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kernel", [attend, attend_fused, attend_by_rows])
def test_every_kernel_agrees_with_torch(kernel, shape, rule, dtype):
    heads, kv_heads = SHAPES[shape]
    q, k, v = qkv(heads=heads, kv_heads=kv_heads, dtype=dtype)
    z, _ = kernel(q, k, v, Terms(RULES[rule], 0.3))
    wide_k, wide_v = (x.repeat_interleave(heads // kv_heads, 1) for x in (k, v))
    wanted = scaled_dot_product_attention(q, wide_k, wide_v, RULES[rule].whole(), scale=0.3)
    torch.testing.assert_close(z, wanted, atol=TOLERANCE[dtype], rtol=0)


@pytest.mark.parametrize("rule", RULES)
def test_fused_and_explicit_agree_in_output_and_log_sum_exp(rule):
    q, k, v = qkv(dtype=torch.float32, width=64)
    for one, other in zip(
        attend(q, k, v, Terms(RULES[rule], 0.125)), attend_fused(q, k, v, Terms(RULES[rule], 0.125)), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("is_causal", [True, False])
def test_the_row_blocks_and_the_flash_kernel_agree(is_causal, monkeypatch):
    monkeypatch.setattr(row_blocks, "ROWS_PER_BLOCK", 4)  # so that nine rows are three blocks, the last one short
    q, k, v = qkv(kv_heads=2)
    flash = attend_flash(q, k, v, causal=is_causal, scale=0.3)
    by_rows = attend_by_rows(q, k, v, Terms((causal if is_causal else full)(9, 9), 0.3))
    for one, other in zip(flash, by_rows, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=0)


def test_the_fused_path_computes_no_pattern(monkeypatch):
    def refuse(*_):
        raise AssertionError("a map was built")

    monkeypatch.setattr(fused, "scores_of", refuse)
    attend_fused(*qkv(), Terms(causal(9, 9), 0.3))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_window_equals_that_part_of_the_pattern(shape, rule):
    heads, kv_heads = SHAPES[shape]
    q, k, v = qkv(heads=heads, kv_heads=kv_heads)
    _, lse = attend_fused(q, k, v, Terms(RULES[rule], 0.3))
    window = pattern_window(q, k, lse, range(2, 7), range(1, 9), Terms(RULES[rule], 0.3))
    torch.testing.assert_close(window, pattern_of(q, k, RULES[rule], 0.3)[..., 2:7, 1:9], atol=1e-12, rtol=0)


def test_a_window_reads_only_its_own_rows_and_columns():
    q, k, v = qkv()
    _, lse = attend_fused(q, k, v, Terms(RULES["causal"], 0.3))
    wanted = pattern_window(q, k, lse, range(4, 6), range(2, 5), Terms(RULES["causal"], 0.3))
    for x, keep in ((q, range(4, 6)), (k, range(2, 5))):
        x[:, :, [n for n in range(9) if n not in keep]] = torch.nan
    assert torch.equal(pattern_window(q, k, lse, range(4, 6), range(2, 5), Terms(RULES["causal"], 0.3)), wanted)


@pytest.mark.parametrize("kernel", [attend, attend_fused])
def test_a_fully_masked_row_is_zeros(kernel):
    rule = from_mask((torch.arange(9) != 4)[:, None].expand(9, 9)[None, None])
    q, k, v = qkv()
    z, lse = kernel(q, k, v, Terms(rule, 0.3))
    assert (z[:, :, 4] == 0).all()
    assert z.isfinite().all()
    assert (pattern_window(q, k, lse, range(9), range(9), Terms(rule, 0.3))[:, :, 4] == 0).all()


def test_causal_leak_is_exactly_zero():
    q, k, v = qkv()
    before, _ = attend_fused(q, k, v, Terms(RULES["causal"], 0.3))
    k[:, :, 5:], v[:, :, 5:] = 1e3, -1e3
    after, _ = attend_fused(q, k, v, Terms(RULES["causal"], 0.3))
    assert torch.equal(before[:, :, :5], after[:, :, :5])
    assert (pattern_of(q, k, RULES["causal"], 0.3).triu(1) == 0).all()


@given(st.integers(1, 7), st.integers(1, 12), st.sampled_from([(4, 4), (4, 2), (4, 1)]), st.integers(0, 99))
def test_rows_sum_to_one(queries, keys, shape, seed):
    q, k, _ = qkv(1, *shape, queries, keys, seed=seed)
    sums = pattern_of(q, k, full(queries, keys), 0.3).sum(-1)
    torch.testing.assert_close(sums, torch.ones_like(sums), atol=1e-12, rtol=0)


@given(st.permutations(range(9)), st.integers(0, 99))
def test_permuting_keys_permutes_weights_and_leaves_the_output(order, seed):
    q, k, v = qkv(seed=seed)
    free = full(9, 9)
    moved = pattern_of(q, k[:, :, order], free, 0.3)
    torch.testing.assert_close(moved, pattern_of(q, k, free, 0.3)[..., order], atol=1e-12, rtol=0)
    z, _ = attend_fused(q, k[:, :, order], v[:, :, order], Terms(free, 0.3))
    torch.testing.assert_close(z, attend_fused(q, k, v, Terms(free, 0.3))[0], atol=1e-12, rtol=0)


@given(st.lists(st.booleans(), min_size=9, max_size=9), st.integers(0, 99))
def test_a_mask_only_ever_removes_weight_it_hides(kept, seed):
    q, k, _ = qkv(1, seed=seed)
    padding = torch.tensor([kept])
    masked = pattern_of(q, k, Rule(9, 9, padding=padding), 0.3)
    free = pattern_of(q, k, full(9, 9), 0.3)
    assert (masked[..., ~padding[0]] == 0).all()
    assert (masked[..., padding[0]] >= free[..., padding[0]] - 1e-12).all()  # what is hidden goes to the others


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kernel", [attend, attend_fused, attend_by_rows])
def test_gradients_are_right(kernel, rule):
    q, k, v = (x.requires_grad_() for x in qkv(heads=2, kv_heads=1, width=2))
    assert torch.autograd.gradcheck(lambda *x: kernel(*x, Terms(RULES[rule], 0.3))[0], (q, k, v))


def test_of_the_fused_path_z_has_a_gradient_and_the_log_sum_exp_has_none():
    q, k, v = (x.requires_grad_() for x in qkv())
    z, lse = attend_fused(q, k, v, Terms(full(9, 9), 0.3))
    assert (z.requires_grad, lse.requires_grad) == (True, False)
    _, lse = attend(q, k, v, Terms(full(9, 9), 0.3))
    assert lse.requires_grad


# Each has the values of x in another order of memory.
VIEWS = {
    "transposed": lambda x: x.mT.contiguous().mT,
    "every second element": lambda x: x.repeat_interleave(2, -1)[..., ::2],
    "expanded width": lambda x: x[..., :1].expand_as(x),
    "expanded rows": lambda x: x[:, :, :1].expand_as(x),
    "expanded heads": lambda x: x[:, :1].expand_as(x),
    "expanded batch": lambda x: x[:1].expand_as(x),
    "heads last": lambda x: x.transpose(1, 2).contiguous().transpose(1, 2),
    "with an offset": lambda x: torch.cat([x, x], -1)[..., x.shape[-1] :],
    "every second row": lambda x: x.repeat_interleave(2, 2)[:, :, ::2],
}


@pytest.mark.parametrize("is_causal", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("viewed", ["q", "k", "v"])
def test_the_fused_kernel_reads_every_view_of_memory_right(viewed, view, dtype, is_causal):
    given = dict(zip("qkv", qkv(dtype=dtype), strict=True))
    given[viewed] = VIEWS[view](given[viewed])
    rule = (causal if is_causal else full)(9, 9)
    found = attend_fused(**given, terms=Terms(rule, 0.3))
    wanted = attend(*(x.contiguous() for x in given.values()), Terms(rule, 0.3))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, atol=TOLERANCE[dtype], rtol=0)


# Of the weights, which are at most 1: q and k are exact in both, so only sums in float32 differ.
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_softmax_and_log_sum_exp_are_those_of_float32(dtype, rule):
    q, k, v = (x.to(dtype) for x in qkv(dtype=torch.float32))
    seen = []
    z, lse = attend(q, k, v, Terms(RULES[rule], 0.3), pattern_step=lambda pattern: seen.append(pattern) or pattern)
    wanted, wanted_lse = masked_softmax(dot(q.double(), k.double(), 0.3), RULES[rule].whole())
    assert (z.dtype, lse.dtype, seen[0].dtype) == (dtype, torch.float32, torch.float32)
    torch.testing.assert_close(seen[0].double(), wanted, atol=1e-5, rtol=0)
    fused_z, fused_lse = attend_fused(q, k, v, Terms(RULES[rule], 0.3))
    assert (fused_z.dtype, fused_lse.dtype) == (dtype, torch.float32)
    for found in (lse, fused_lse):
        torch.testing.assert_close(found.double(), wanted_lse, atol=1e-5, rtol=1e-6)
    window = pattern_window(q, k, fused_lse, range(9), range(9), Terms(RULES[rule], 0.3))
    torch.testing.assert_close(window.double(), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1e4, 1e6, 1e30])
def test_rows_of_large_scores_sum_to_one(size, dtype):
    scores = torch.randn(1, 1, 40, 40, dtype=dtype, generator=torch.Generator().manual_seed(0)) * size
    pattern, _ = masked_softmax(scores, causal(40, 40).whole())
    torch.testing.assert_close(pattern.sum(-1), torch.ones(1, 1, 40, dtype=dtype), atol=1e-6, rtol=0)


def test_forty_tied_scores_of_minus_1e30_share_the_weight():
    pattern, _ = masked_softmax(torch.full((1, 1, 1, 40), -1e30), full(1, 40).whole())
    torch.testing.assert_close(pattern, torch.full_like(pattern, 1 / 40), atol=1e-7, rtol=0)


@pytest.mark.parametrize("wrong", [{"width": 5}, {"batch": 3}, {"kv_heads": 3}])
def test_a_shape_error_names_both_shapes(wrong):
    q, (_, k, v) = qkv()[0], qkv(**wrong)
    with pytest.raises(ShapeMismatch) as error:
        attend(q, k, v, Terms(full(9, 9), 0.3))
    assert str(list(q.shape)) in str(error.value)
    assert str(list(k.shape)) in str(error.value)


def test_values_for_other_keys_are_refused_with_both_shapes():
    q, k, v = qkv()
    with pytest.raises(ShapeMismatch, match=r"\[2, 4, 9, 8\].*\[2, 4, 7, 8\]"):
        attend_fused(q, k, v[:, :, :7], Terms(full(9, 9), 0.3))


@pytest.mark.parametrize("rows", [range(8, 10), range(-1, 2), range(0, 4, 2)])
def test_a_window_outside_the_pattern_is_refused(rows):
    q, k, v = qkv()
    _, lse = attend(q, k, v, Terms(full(9, 9), 0.3))
    with pytest.raises(ShapeMismatch, match=r"within 0:9"):
        pattern_window(q, k, lse, rows, range(9), Terms(full(9, 9), 0.3))


# An irregular mask for three sequences, or for three heads.
def irregular(*shape):
    return torch.rand(*shape, 9, 9, generator=torch.Generator().manual_seed(0)) > 0.5


@pytest.mark.parametrize(
    "wrong",
    [Rule(9, 9, padding=torch.ones(3, 9, dtype=torch.bool)), from_mask(irregular(3, 1))],
    ids=["padding", "mask"],
)
@pytest.mark.parametrize("kernel", [attend, attend_fused])
def test_a_mask_of_another_batch_is_refused_with_both_numbers(kernel, wrong):
    with pytest.raises(ShapeMismatch, match=r"mask is for 3 and q \[2, 4, 9, 8\] has 2: they differ in batch"):
        kernel(*qkv(), Terms(wrong, 0.3))


@pytest.mark.parametrize("shape", [(1, 0), (0, 1), (0, 0)], ids=str)
@pytest.mark.parametrize("way", [attend, attend_fused])
def test_a_sequence_of_no_tokens_is_refused_before_the_kernel_divides_by_its_length(shape, way):
    queries, keys = shape
    q, k, v = torch.zeros(1, 4, queries, 8), torch.zeros(1, 4, keys, 8), torch.zeros(1, 4, keys, 8)
    with pytest.raises(ShapeMismatch, match="nothing attends to nothing"):
        way(q, k, v, Terms(full(queries, keys), 1.0))


def test_a_mask_for_another_number_of_heads_is_refused_with_both_numbers():
    with pytest.raises(ShapeMismatch, match=r"mask is for 3 and q \[2, 4, 9, 8\] has 4: they differ in heads"):
        attend(*qkv(), Terms(from_mask(irregular(1, 3)), 1.0))
