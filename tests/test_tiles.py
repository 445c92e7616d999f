import numpy as np
import pytest

from app import tiles
from app.capture import run
from app.errors import InvalidWindow, UnknownHead, UnknownLayer
from app.tiles import head_tile, overview, whole, window

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
def test_pooling_is_that_of_brute_force(capture, cells, pool, monkeypatch):
    monkeypatch.setattr(tiles, "ROWS_PER_BLOCK", 4)
    size = len(capture.tokens)
    full = head_tile(capture, 1, 2, window(size, *FULL))
    part = window(size, (1, size), (0, size - 2), cells)
    pooled = head_tile(capture, 1, 2, part, pool)
    assert max(pooled.shape) <= cells
    np.testing.assert_allclose(
        pooled, brute_force(full[1:, : size - 2], part.query_step, part.key_step, pool), atol=1e-7
    )


def test_every_thumbnail_of_the_overview_is_its_head_pooled(capture):
    maps, part = overview(capture, cells=4)
    assert maps.shape == (3, 4, *maps.shape[2:])
    assert max(maps.shape[2:]) <= 4
    for layer in range(3):
        for head in range(4):
            np.testing.assert_allclose(maps[layer, head], head_tile(capture, layer, head, part), atol=1e-7)


def test_scores_become_the_pattern_by_mask_and_softmax(capture):
    part = window(len(capture.tokens), *FULL)
    scores = head_tile(capture, 0, 1, part, quantity="scores").astype(np.float64)
    if capture.card.causal:
        scores[np.triu_indices(len(scores), 1)] = -np.inf
    pattern = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(head_tile(capture, 0, 1, part), pattern, atol=1e-5)


def test_the_whole_of_chosen_layers_and_heads_is_in_the_order_asked_for(capture):
    part = window(len(capture.tokens), *FULL)
    maps = whole(capture, [2, 0], [3, 1, 1], "pattern")
    assert maps.shape[:2] == (2, 3)
    np.testing.assert_array_equal(maps[1, 0], head_tile(capture, 0, 3, part))
    np.testing.assert_array_equal(maps[0, 1], maps[0, 2])


@pytest.mark.parametrize(("rows", "columns"), [((0, 0), None), ((3, 2), None), (None, (0, 99)), ((5, 6), (-1, 2))])
def test_a_window_outside_the_map_is_refused_with_the_range(rows, columns):
    with pytest.raises(InvalidWindow, match=r"0 <= a < b <= 9"):
        window(9, rows, columns, None)


def test_a_head_that_is_not_there_is_refused_with_the_range(capture):
    part = window(len(capture.tokens), *FULL)
    with pytest.raises(UnknownLayer, match=r"layer 3: .* has layers 0\.\.2"):
        head_tile(capture, 3, 0, part)
    with pytest.raises(UnknownHead, match=r"head 4 of layer 2: .* has heads 0\.\.3"):
        head_tile(capture, 2, 4, part)
