"""Every combination of what models do with scores, against torch or against the formula in plain sums."""

from itertools import product

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from worlds import qkv

from headscope.attention.bias import ByContent, ByDistance, ByKey, Dense, from_tensor
from headscope.attention.fused import attend_fused
from headscope.attention.kernels import attend, pattern_window
from headscope.attention.rules import banded, causal, from_mask, full
from headscope.attention.terms import Terms

QUERIES, KEYS, HEADS = 5, 7, 4
SCALE = 0.3


def drawn(*shape, seed=5):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


RULES = {
    "full": full(QUERIES, KEYS),
    "causal, last query at the last key": causal(QUERIES, KEYS),
    "causal, first query at the first key": causal(QUERIES, KEYS, offset=0),
    "window": banded(QUERIES, KEYS, before=2, after=0),
    "two-sided window": banded(QUERIES, KEYS, before=1, after=2),
    "padding": full(QUERIES, KEYS).and_padding(torch.arange(KEYS)[None] < torch.tensor([[7], [5]])),
    "no intervals": from_mask(drawn(2, HEADS, QUERIES, KEYS) > -0.5),
    "without two edges": causal(QUERIES, KEYS).without(torch.tensor([[0, 1, 0], [3, 4, 6]]), HEADS),
}
BIASES = {
    "none": None,
    "by distance": ByDistance(drawn(HEADS, QUERIES + KEYS - 1), QUERIES),
    "by key": ByKey(drawn(1, HEADS, KEYS)),
    "by content": ByContent(
        drawn(HEADS, 6, 8), drawn(HEADS, 6, 8, seed=6), torch.arange(QUERIES + KEYS - 1) // 2, QUERIES, 0.2
    ),
    "dense": Dense(drawn(2, 1, QUERIES, KEYS)),
}
GROUPS = {"multi-head": 4, "grouped-query": 2, "multi-query": 1}
SINKS = {"no sinks": None, "sinks": drawn(2, HEADS, QUERIES)}
CAPS = {"no cap": None, "cap": 1.5}


def bias_cells(bias, q, k):
    """[b or 1, h or 1, i, j], written cell by cell."""
    if isinstance(bias, Dense):
        return bias.values
    if isinstance(bias, ByKey):
        return bias.values[:, :, None].expand(-1, -1, QUERIES, -1)
    cells = torch.zeros(len(q), HEADS, QUERIES, KEYS, dtype=torch.float64)
    for b, h, i, j in product(range(len(q)), range(HEADS), range(QUERIES), range(KEYS)):
        if isinstance(bias, ByDistance):
            cells[b, h, i, j] = bias.values[h, j - i + QUERIES - 1]
        else:
            t = bias.index[j - i + QUERIES - 1]
            cells[b, h, i, j] = (q[b, h, i] @ bias.of_keys[h, t] + k[b, h, j] @ bias.of_queries[h, t]) * bias.scale
    return cells


def by_formula(q, k, v, terms):
    """z and pattern by the definition: exp of each score, divided by the sum over the keys and the sink."""
    group = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
    scores = q @ k.mT * terms.scale
    if terms.softcap is not None:
        scores = terms.softcap * torch.tanh(scores / terms.softcap)
    if terms.bias is not None:
        scores = scores + bias_cells(terms.bias, q, k)
    weights = scores.exp() * terms.rule.whole()
    total = weights.sum(-1, keepdim=True)
    if terms.sinks is not None:
        total = total + (terms.sinks if terms.sinks.ndim == 3 else terms.sinks[:, None]).exp()[..., None]
    pattern = torch.where(total > 0, weights / total, 0.0)
    return pattern @ v, pattern


@pytest.mark.parametrize("width", [8, 3, 11], ids=["values as wide as keys", "narrower", "wider"])
@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bias", BIASES)
def test_all_kernels_agree_with_the_formula(bias, rule, groups, width):
    q, k, _ = qkv(queries=QUERIES, keys=KEYS, kv_heads=GROUPS[groups])
    v = drawn(2, GROUPS[groups], KEYS, width)
    for softcap, sinks in product(CAPS.values(), SINKS.values()):
        terms = Terms(RULES[rule], SCALE, softcap, BIASES[bias], sinks)
        wanted_z, wanted = by_formula(q, k, v, terms)
        seen = []
        explicit = attend(q, k, v, terms, pattern_step=lambda x: seen.append(x) or x)  # noqa: B023 - called at once
        for z, lse in (explicit, attend_fused(q, k, v, terms)):
            torch.testing.assert_close(z, wanted_z, atol=1e-10, rtol=0)
            window = pattern_window(q, k, lse, range(1, 4), range(2, 7), terms)
            torch.testing.assert_close(window, wanted[..., 1:4, 2:7], atol=1e-10, rtol=0)
        torch.testing.assert_close(seen[0], wanted, atol=1e-10, rtol=0)


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bias", BIASES)
def test_without_cap_and_sinks_they_agree_with_torch(bias, rule, groups):
    q, k, v = qkv(queries=QUERIES, keys=KEYS, kv_heads=GROUPS[groups])
    terms = Terms(RULES[rule], SCALE, bias=BIASES[bias])
    wide_k, wide_v = (x.repeat_interleave(4 // GROUPS[groups], 1) for x in (k, v))
    added = 0.0 if terms.bias is None else bias_cells(terms.bias, q, wide_k)
    mask = torch.zeros(2, HEADS, QUERIES, KEYS, dtype=torch.float64) + added
    mask = mask.masked_fill(~terms.rule.whole(), -torch.inf)
    wanted = scaled_dot_product_attention(q, wide_k, wide_v, mask, scale=SCALE).nan_to_num()  # rows without a key
    for kernel in (attend, attend_fused):
        torch.testing.assert_close(kernel(q, k, v, terms)[0], wanted, atol=1e-10, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bias", BIASES)
def test_in_half_precision_the_weights_are_those_of_float32(bias, rule, dtype):
    q, k, v = (x.to(dtype) for x in qkv(queries=QUERIES, keys=KEYS, kv_heads=2))
    for softcap, sinks in product(CAPS.values(), SINKS.values()):
        terms = Terms(RULES[rule], SCALE, softcap, BIASES[bias], sinks)
        _, wanted = by_formula(q.double(), k.double(), v.double(), terms)
        z, lse = attend_fused(q, k, v, terms)
        assert (z.dtype, lse.dtype) == (dtype, torch.float32)
        window = pattern_window(q, k, lse, range(QUERIES), range(KEYS), terms)
        torch.testing.assert_close(window.double(), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("sinks", [drawn(HEADS), SINKS["sinks"]], ids=["of heads", "of queries"])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bias", BIASES)
def test_the_terms_of_some_heads_give_the_weights_of_these_heads(bias, rule, sinks):
    q, k, v = qkv(queries=QUERIES, keys=KEYS)
    terms = Terms(RULES[rule], SCALE, 1.5, BIASES[bias], sinks)
    _, wanted = by_formula(q, k, v, terms)
    _, lse = attend_fused(q, k, v, terms)
    found = pattern_window(q[:, 1:3], k[:, 1:3], lse[:, 1:3], range(QUERIES), range(KEYS), terms.of_heads(range(1, 3)))
    torch.testing.assert_close(found, wanted[:, 1:3], atol=1e-10, rtol=0)


def test_a_sink_as_strong_as_the_only_key_takes_half_of_its_weight():
    one = torch.ones(1, 1, 1, 1)
    terms = Terms(full(1, 1), 1.0, sinks=torch.ones(1))  # the score of the key is 1 as well
    z, lse = attend_fused(one, one, one, terms)
    assert z.item() == pytest.approx(0.5)
    assert lse.item() == pytest.approx(1.0)
    assert pattern_window(one, one, lse, range(1), range(1), terms).item() == pytest.approx(0.5)


def test_a_cap_of_one_makes_a_score_of_one_its_hyperbolic_tangent():
    q, k = torch.ones(1, 1, 1, 1), torch.tensor([[[[1.0], [0.0]]]])
    _, lse = attend_fused(q, k, k, Terms(full(1, 2), 1.0, softcap=1.0))
    assert lse.item() == pytest.approx(torch.tensor([0.761594, 0.0]).logsumexp(0).item())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", ["none", "by distance", "by key", "dense"])
def test_a_bias_is_kept_in_the_smallest_form_that_is_exact(kind, rule):
    q, k, _ = qkv(1, queries=QUERIES, keys=KEYS)
    terms = RULES[rule]
    cells = torch.zeros(1, HEADS, QUERIES, KEYS) if kind == "none" else bias_cells(BIASES[kind], q, k)
    found = from_tensor(cells, terms)
    if found is None:
        assert kind == "none"
        return
    assert found.kind == {"by distance": "distance", "by key": "key", "dense": "dense"}[kind] or terms.bits is not None
    block = found.block(q, k, range(QUERIES), range(KEYS))
    allowed = terms.whole()
    assert torch.equal(torch.where(allowed, block, 0.0), torch.where(allowed, cells, 0.0))


def test_what_a_bias_adds_to_masked_cells_does_not_count():
    cells = bias_cells(BIASES["by distance"], *qkv(1, queries=QUERIES, keys=KEYS)[:2])
    rule = causal(QUERIES, KEYS)
    hidden = torch.where(rule.whole(), cells, -1e30)
    found = from_tensor(hidden, rule)
    assert found.kind == "distance"
    assert found.bytes < Dense(hidden).bytes


def test_a_bias_of_one_row_is_a_bias_of_keys_and_one_of_zeros_is_none():
    row = drawn(1, HEADS, 1, KEYS)
    assert torch.equal(from_tensor(row, full(QUERIES, KEYS)).values, row[:, :, 0])
    assert from_tensor(torch.zeros_like(row), full(QUERIES, KEYS)) is None
