"""Buckets of distances: hand-worked, and those of transformers' T5."""

import pytest
import torch
from transformers.models.t5.modeling_t5 import T5Attention
from worlds import layer, stream

from headscope.attention.buckets import Buckets
from headscope.errors import ShapeMismatch

OFFSETS = torch.arange(-700, 701)


def test_near_distances_have_a_bucket_each_and_farther_ones_share_them():
    # Up to 3 one each; then 4 + floor(4 * log(distance / 4) / log(4)): 4 for 4 and 5, 5 from 6, 6 from 8, 7 from 12.
    found = Buckets(8, 16, two_sided=False).of(-torch.arange(18))
    assert found.tolist() == [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7]


def test_keys_after_the_query_have_the_other_half_or_the_bucket_of_distance_0():
    assert Buckets(8, 16, two_sided=True).of(torch.tensor([-9, -1, 0, 1, 9])).tolist() == [3, 1, 0, 5, 7]
    assert Buckets(8, 16, two_sided=False).of(torch.tensor([-1, 0, 1, 9])).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize(("number", "farthest"), [(32, 128), (4, 20), (9, 64), (64, 500)])
def test_buckets_are_those_of_transformers(number, farthest, two_sided):
    wanted = T5Attention._relative_position_bucket(OFFSETS, two_sided, number, farthest)
    assert torch.equal(Buckets(number, farthest, two_sided).of(OFFSETS), wanted)


@pytest.mark.parametrize(("number", "farthest", "two_sided"), [(3, 128, True), (1, 128, False), (32, 8, True)])
def test_buckets_that_cannot_be_computed_are_refused(number, farthest, two_sided):
    with pytest.raises(ShapeMismatch, match=rf"{number} buckets up to distance {farthest}: take 4 buckets or more"):
        Buckets(number, farthest, two_sided)


def biased():
    made = layer(d_model=24, heads=4, causal=True, buckets=Buckets(8, 16, two_sided=False))
    torch.nn.init.normal_(made.bias_of_buckets, generator=torch.Generator().manual_seed(0))
    return made


def test_the_bias_of_a_layer_is_that_of_the_bucket_of_each_distance():
    made = biased()
    block = made.own_bias(3, 9).block(torch.empty(0), torch.empty(0), range(3), range(9))[0]
    buckets = Buckets(8, 16, two_sided=False)
    for i in range(3):  # the last three of nine tokens
        for j in range(9):
            bucket = buckets.of(torch.tensor(j - (i + 6)))
            assert torch.equal(block[:, i, j], made.bias_of_buckets[bucket])


def test_a_layer_with_a_bias_continues_a_sequence():
    made, known = biased(), []

    def remember(k, v):
        known.append((k, v))
        return tuple(torch.cat(each, 2) for each in zip(*known, strict=True))

    parts = [made(part, remember=remember) for part in stream().split([4, 1, 4], 1)]
    torch.testing.assert_close(torch.cat(parts, 1), made(stream()), atol=1e-10, rtol=0)


def test_keys_and_values_that_are_known_replace_those_of_the_source():
    made = biased()
    known = made.keys_and_values(stream())
    torch.testing.assert_close(made(stream(), known=known), made(stream()), atol=1e-12, rtol=0)
    assert not torch.allclose(made(stream(), known=(known[0], known[1] * 2)), made(stream()))
