"""Similarity of heads: worked out by hand, and compared with scipy."""

import numpy as np
import torch
from scipy.spatial.distance import cosine as scipy_cosine
from scipy.spatial.distance import jensenshannon as scipy_jensen_shannon

from headscope.analysis.formulas.similarity import bits, classical_mds, cosine, effective_rank, jensen_shannon, products

from .patterns import random_pattern, shifted, uniform


def rows(*patterns):
    return torch.tensor(np.stack(patterns))


def test_the_divergence_is_0_bits_for_equal_rows_and_1_bit_per_row_without_a_common_key():
    found = jensen_shannon(rows(np.eye(4), np.eye(4), np.eye(4)[::-1]))
    np.testing.assert_allclose(found, [[0, 0, 4], [0, 0, 4], [4, 4, 0]], atol=1e-12)


def test_the_divergence_is_half_a_bit_if_half_of_the_attention_is_in_common():
    halves = np.array([[0.5, 0.5, 0]]), np.array([[0.5, 0, 0.5]])
    np.testing.assert_allclose(jensen_shannon(rows(*halves)), [[0, 0.5], [0.5, 0]], atol=1e-12)


def test_every_divergence_is_that_of_scipy():
    patterns = random_pattern(5, 9, causal=True)
    found = jensen_shannon(torch.tensor(patterns))
    for a, p in enumerate(patterns):
        for b, q in enumerate(patterns):
            wanted = sum(scipy_jensen_shannon(one, other, base=2) ** 2 for one, other in zip(p, q, strict=True))
            assert abs(found[a, b] - wanted) < 1e-9


def test_every_cosine_is_that_of_scipy_also_in_blocks_of_rows():
    patterns = torch.tensor(random_pattern(4, 9, causal=False))
    found = cosine(products(patterns[:, :4]) + products(patterns[:, 4:]))
    for a, p in enumerate(patterns):
        for b, q in enumerate(patterns):
            assert abs(found[a, b] - (1 - scipy_cosine(p.flatten(), q.flatten()))) < 1e-12


def test_eight_equal_weights_have_3_bits():
    np.testing.assert_allclose(bits(rows(uniform(8))), [[3.0] * 8])


def test_the_effective_rank_is_the_number_of_different_rows():
    same, each_its_own = uniform(6), shifted(6, 0)
    two_ways = np.eye(6)[[0, 0, 0, 1, 1, 1]]
    np.testing.assert_allclose(effective_rank(rows(same, two_ways, each_its_own)), [1, 2, 6], rtol=1e-5)


def test_the_chart_of_points_in_a_plane_keeps_their_distances_and_shows_all_variance():
    points = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0], [1.0, 1.0]], dtype=torch.float64)
    places, shown = classical_mds(torch.cdist(points, points))
    np.testing.assert_allclose(torch.cdist(places, places), torch.cdist(points, points), atol=1e-9)
    assert abs(shown - 1) < 1e-9
    assert (places.gather(0, places.abs().argmax(0, keepdim=True)) > 0).all()


def test_the_chart_of_one_head_or_of_equal_heads_is_a_point():
    for size in (1, 3):
        places, shown = classical_mds(torch.zeros(size, size))
        assert places.shape == (size, 2)
        assert not places.any()
        assert shown == 1
