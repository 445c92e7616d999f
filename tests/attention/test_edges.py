"""Single edges that are taken out of a rule."""

from dataclasses import replace

import pytest
import torch
from worlds import layer, qkv, stream

from headscope.attention.fused import attend_fused
from headscope.attention.hooks import watching
from headscope.attention.kernels import attend, pattern_window
from headscope.attention.rules import causal, from_mask, full
from headscope.attention.terms import Terms
from headscope.errors import ShapeMismatch

EDGES = torch.tensor([[1, 4, 2], [1, 4, 0], [3, 5, 5]])


def cut_by_hand(mask, edges, heads=4):
    mask = mask.expand(-1, heads, -1, -1).clone()
    for head, query, key in edges.tolist():
        mask[:, head, query, key] = False
    return mask


@pytest.mark.parametrize(
    "rule", [full(6, 6), causal(6, 6), from_mask(torch.arange(2 * 4 * 6 * 6).view(2, 4, 6, 6) % 5 > 1)]
)
def test_only_these_cells_are_taken_out(rule):
    found = rule.without(EDGES, heads=4)
    wanted = cut_by_hand(rule.whole(), EDGES)
    assert torch.equal(found.whole(), wanted)
    assert torch.equal(found.block(range(4, 6), range(1, 3)), wanted[:, :, 4:6, 1:3])
    assert torch.equal(found.of_heads(range(1, 3)).whole(), wanted[:, 1:3])
    assert (found.batch, found.heads) == (rule.batch, 4)


def test_edges_can_be_taken_out_twice():
    twice = causal(6, 6).without(EDGES[:1], 4).without(EDGES[1:], 4)
    assert torch.equal(twice.whole(), causal(6, 6).without(EDGES, 4).whole())


def test_the_memory_grows_with_the_edges_and_not_with_the_square():
    rule = causal(16_384, 16_384).without(EDGES, 4)
    assert rule.bytes - causal(16_384, 16_384).bytes == EDGES.nbytes
    assert Terms(rule, 1.0).squares == []
    assert rule.block(range(256), range(256)).shape == (1, 4, 256, 256)


def test_a_query_without_its_only_key_attends_to_nothing():
    q, k, v = qkv()
    terms = Terms(causal(9, 9).without(torch.tensor([[2, 0, 0]]), 4), 0.3)
    z, lse = attend_fused(q, k, v, terms)
    assert not z[:, 2, 0].any()
    assert lse[:, 2, 0].tolist() == [-torch.inf] * 2


def test_the_fused_path_and_windows_are_those_of_the_explicit_one():
    q, k, v = qkv(kv_heads=2, queries=600, keys=600)
    edges = torch.tensor([[0, 599, 3], [3, 3, 3], [2, 511, 511], [2, 512, 40]])
    terms, seen = Terms(causal(600, 600).without(edges, 4), 0.3), []
    z, lse = attend(q, k, v, terms, pattern_step=lambda x: seen.append(x) or x)
    for found, wanted in zip(attend_fused(q, k, v, terms), (z, lse), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-10, rtol=0)
    window = pattern_window(q, k, lse, range(500, 600), range(50), terms)
    torch.testing.assert_close(window, seen[0][:, :, 500:600, :50], atol=1e-10, rtol=0)
    assert not window[:, 0, 99, 3].any()


def test_an_edit_of_the_terms_takes_out_an_edge_of_one_layer():
    ours = layer(d_model=24, heads=4, kv_heads=2, causal=True)
    mask = cut_by_hand(causal(9, 9).whole(), EDGES)
    with watching(ours, "terms", lambda _, terms: replace(terms, rule=terms.rule.without(EDGES, 4))):
        found = ours(stream())
    torch.testing.assert_close(found, ours(stream(), given=mask), atol=1e-10, rtol=0)
    assert (found - ours(stream())).abs().max() > 1e-3


@pytest.mark.parametrize("edge", [[4, 0, 0], [0, 6, 0], [0, 0, -1]])
def test_an_edge_outside_is_refused_with_the_sizes(edge):
    with pytest.raises(ShapeMismatch, match=r"edge \[.*\] is not one of \[4, 6, 6\] heads, queries and keys"):
        causal(6, 6).without(torch.tensor([edge]), 4)


def test_edges_of_another_shape_are_refused():
    with pytest.raises(ShapeMismatch, match=r"edges \[3\] are not \[edge 3\] int64"):
        causal(6, 6).without(torch.tensor([0, 1, 2]), 4)
