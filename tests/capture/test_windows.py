from types import SimpleNamespace

import numpy as np
import pytest
import torch
from worlds import whole_maps

from headscope.attention.rules import banded
from headscope.attention.terms import Terms
from headscope.capture import pooling, windows
from headscope.capture.capture import run
from headscope.capture.layer import LayerCapture
from headscope.capture.windows import Maps, head_window, overview, window
from headscope.errors import InvalidWindow, UnknownHead, UnknownLayer

TEXT = "The cat sat on the mat, and a dog ran to the park."
FULL = (None, None, None)


@pytest.fixture(scope="module", params=["local:bert", "local:gpt2"])
def capture(request, loaded):
    return run(loaded(request.param), TEXT)


def brute_force(pattern, query_step, key_step, pool):
    """Pool cell by cell."""
    rows, columns = (-(-size // step) for size, step in zip(pattern.shape, (query_step, key_step), strict=True))
    cell = np.max if pool == "max" else np.mean
    return np.array(
        [
            [
                cell(pattern[r * query_step : (r + 1) * query_step, c * key_step : (c + 1) * key_step])
                for c in range(columns)
            ]
            for r in range(rows)
        ]
    )


@pytest.mark.parametrize("pool", ["max", "mean"])
@pytest.mark.parametrize("cells", [1, 2, 3, 5, 1000])
@pytest.mark.parametrize("most", [1, 40, 100, 2**21])
def test_pooling_equals_brute_force(capture, cells, pool, most, monkeypatch):
    monkeypatch.setattr(pooling, "WEIGHTS_PER_BLOCK", most)
    size = len(capture.tokens)
    full = head_window(capture, 1, 2, window(size, *FULL))
    part = window(size, (1, size), (0, size - 2), cells)
    pooled = head_window(capture, 1, 2, part, pool)
    assert max(pooled.shape) <= cells
    np.testing.assert_allclose(
        pooled, brute_force(full[1:, : size - 2], part.query_step, part.key_step, pool), atol=1e-7
    )


@pytest.mark.parametrize("cells", [None, 1, 3, 5])
def test_no_more_weights_are_computed_at_once_than_the_limit(capture, cells, monkeypatch):
    asked = []

    def block(layer, heads, rows, columns, *how):
        asked.append(len(heads) * len(rows) * len(columns))
        return LayerCapture.block(layer, heads, rows, columns, *how)

    size = len(capture.tokens)
    monkeypatch.setattr(pooling, "WEIGHTS_PER_BLOCK", 4 * size + 1)
    layer = SimpleNamespace(q=capture.layers[0].q, visible=capture.layers[0].visible, heads=capture.heads)
    layer.block = lambda *window: block(capture.layers[0], *window)
    pooling.pooled(layer, range(4), window(size, None, None, cells), "max", "pattern")
    assert max(asked) <= 4 * size
    assert sum(asked) >= 4 * size * (size + 1) / 2  # nothing that may be looked at is left out
    if capture.card.causal:
        assert sum(asked) < 4 * size**2


def test_every_thumbnail_of_the_overview_is_its_head_pooled(capture):
    maps, part = overview(capture, cells=4)
    assert maps.shape == (3, 4, *maps.shape[2:])
    assert max(maps.shape[2:]) <= 4
    for layer in range(3):
        for head in range(4):
            np.testing.assert_allclose(maps[layer, head], head_window(capture, layer, head, part), atol=1e-7)


def test_scores_become_the_pattern_by_mask_and_softmax(capture):
    part = window(len(capture.tokens), *FULL)
    scores = head_window(capture, 0, 1, part, quantity="scores").astype(np.float64)
    if capture.card.causal:
        scores[np.triu_indices(len(scores), 1)] = -np.inf
    pattern = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(head_window(capture, 0, 1, part), pattern, atol=1e-5)


@pytest.mark.parametrize("most", [1, 30, 2**18])
def test_patterns_come_in_the_requested_order_one_block_of_rows_at_a_time(capture, most, monkeypatch):
    monkeypatch.setattr(windows, "WEIGHTS_PER_CHUNK", most)
    size = len(capture.tokens)
    maps = Maps(capture, [2, 0], [3, 1], "pattern")
    found = list(maps)
    assert (maps.shape, maps.dtype) == ((2, 2, size, size), np.float32)
    assert max(part.size for part in found) <= max(most, size)
    np.testing.assert_allclose(
        np.concatenate(found).reshape(maps.shape), whole_maps(capture, [2, 0], [3, 1]), atol=1e-7
    )


@pytest.mark.parametrize(("rows", "columns"), [((0, 0), None), ((3, 2), None), (None, (0, 99)), ((5, 6), (-1, 2))])
def test_a_window_outside_the_pattern_is_refused_with_the_range(rows, columns):
    with pytest.raises(InvalidWindow, match=r"0 <= a < b <= 9"):
        window(9, rows, columns, None)


def test_an_unknown_head_is_refused_with_the_range(capture):
    part = window(len(capture.tokens), *FULL)
    with pytest.raises(UnknownLayer, match=r"layer 3: .* has layers 0\.\.2"):
        head_window(capture, 3, 0, part)
    with pytest.raises(UnknownHead, match=r"head 4 of layer 2: .* has heads 0\.\.3"):
        head_window(capture, 2, 4, part)


@pytest.mark.parametrize("pool", ["max", "mean"])
@pytest.mark.parametrize("size", [1, 2, 13])
@pytest.mark.parametrize(
    ("kv_heads", "before", "after"),
    [(4, None, None), (2, None, None), (1, None, 0), (4, 2, 0), (2, 2, 1)],
    ids=["full", "grouped-query", "multi-query causal", "causal window", "grouped-query two-sided window"],
)
def test_shared_keys_sliding_windows_and_a_single_token_pool_like_brute_force(kv_heads, before, after, size, pool):
    generator = torch.Generator().manual_seed(size)
    q, k = (torch.randn(heads, size, 6, generator=generator) for heads in (4, kv_heads))
    scores = torch.einsum("hid,hjd->hij", q, k.repeat_interleave(4 // kv_heads, 0)) * 0.4
    i, j = torch.arange(size)[:, None], torch.arange(size)
    hidden = (i - j > (size if before is None else before)) | (j - i > (size if after is None else after))
    scores = scores.masked_fill(hidden, -torch.inf)
    terms = Terms(banded(size, size, before=before, after=after), 0.4)
    lse = scores.logsumexp(-1)
    layer = LayerCapture(q, k, lse, torch.full_like(lse, torch.nan, dtype=torch.float64), terms)
    for cells in (1, 2, 5):
        part = window(size, None, None, cells)
        for head, pattern in enumerate(scores.softmax(-1).numpy()):
            pooled = pooling.pooled(layer, range(head, head + 1), part, pool, "pattern")[0]
            np.testing.assert_allclose(
                pooled, brute_force(pattern, part.query_step, part.key_step, pool), atol=1e-6, rtol=0
            )
