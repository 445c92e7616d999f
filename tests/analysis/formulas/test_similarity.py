"""How alike heads are: by hand, and beside scipy."""

import numpy as np
import torch
from scipy.spatial.distance import cosine as scipy_cosine
from scipy.spatial.distance import jensenshannon as scipy_jensen_shannon

from headscope.analysis.formulas.similarity import bits, classical_mds, cosine, effective_rank, jensen_shannon, products

from .made import random_pattern, shifted, uniform


def rows(*patterns):
    return torch.tensor(np.stack(patterns))


def test_heads_that_look_at_the_same_are_0_bits_apart_and_heads_that_share_no_key_1_bit_a_row():
    found = jensen_shannon(rows(np.eye(4), np.eye(4), np.eye(4)[::-1]))
    np.testing.assert_allclose(found, [[0, 0, 4], [0, 0, 4], [4, 4, 0]], atol=1e-12)


def test_half_of_the_attention_in_common_is_half_a_bit():
    halves = np.array([[0.5, 0.5, 0]]), np.array([[0.5, 0, 0.5]])
    np.testing.assert_allclose(jensen_shannon(rows(*halves)), [[0, 0.5], [0.5, 0]], atol=1e-12)


def test_every_divergence_is_scipys():
    patterns = random_pattern(5, 9, causal=True)
    found = jensen_shannon(torch.tensor(patterns))
    for a, p in enumerate(patterns):
        for b, q in enumerate(patterns):
            wanted = sum(scipy_jensen_shannon(one, other, base=2) ** 2 for one, other in zip(p, q, strict=True))
            assert abs(found[a, b] - wanted) < 1e-9


def test_every_cosine_is_scipys_in_blocks_of_rows_too():
    patterns = torch.tensor(random_pattern(4, 9, causal=False))
    found = cosine(products(patterns[:, :4]) + products(patterns[:, 4:]))
    for a, p in enumerate(patterns):
        for b, q in enumerate(patterns):
            assert abs(found[a, b] - (1 - scipy_cosine(p.flatten(), q.flatten()))) < 1e-12


def test_eight_keys_that_get_the_same_are_3_bits():
    np.testing.assert_allclose(bits(rows(uniform(8))), [[3.0] * 8])


def test_the_effective_rank_is_the_number_of_ways_to_look():
    same, each_its_own = uniform(6), shifted(6, 0)
    two_ways = np.eye(6)[[0, 0, 0, 1, 1, 1]]
    np.testing.assert_allclose(effective_rank(rows(same, two_ways, each_its_own)), [1, 2, 6], rtol=1e-5)


def test_points_of_a_plane_keep_their_distances_on_the_map_and_all_variance_is_shown():
    points = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0], [1.0, 1.0]], dtype=torch.float64)
    places, shown = classical_mds(torch.cdist(points, points))
    np.testing.assert_allclose(torch.cdist(places, places), torch.cdist(points, points), atol=1e-9)
    assert abs(shown - 1) < 1e-9
    assert (places.gather(0, places.abs().argmax(0, keepdim=True)) > 0).all()


def test_a_map_of_one_head_or_of_heads_all_alike_is_a_point():
    for size in (1, 3):
        places, shown = classical_mds(torch.zeros(size, size))
        assert places.shape == (size, 2)
        assert not places.any()
        assert shown == 1
