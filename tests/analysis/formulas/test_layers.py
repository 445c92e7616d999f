"""Rollout and flow: worked out by hand, and compared with a second implementation."""

import numpy as np
import pytest
import torch

from headscope.analysis.formulas.flow import flow_from, graph
from headscope.analysis.formulas.rollout import next_rollout, step

from .patterns import random_pattern, uniform


def rolled(patterns, residual=0.5, receptive=False):
    found = None
    for pattern in patterns:
        found = next_rollout(step(torch.tensor(pattern), residual, receptive), found)
    return found.numpy()


def test_the_residual_stream_is_half_of_each_layer():
    """In layer 1, token 1 attends to 0. In layer 2, token 2 attends to 1. So 2 gets a quarter of 0, through 1."""
    first, second = np.eye(3), np.eye(3)
    first[1], second[2] = [1, 0, 0], [0, 1, 0]
    np.testing.assert_allclose(rolled([first, second])[2], [0.25, 0.25, 0.5])
    np.testing.assert_allclose(rolled([second, first])[2], [0, 0.5, 0.5])  # in the other order, nothing of 0 arrives


def test_rollout_is_the_product_of_all_layers_with_the_last_layer_on_the_left():
    patterns = random_pattern(4, 6, causal=False)
    wanted = np.linalg.multi_dot([(pattern + np.eye(6)) / 2 for pattern in patterns[::-1]])
    np.testing.assert_allclose(rolled(patterns), wanted, atol=1e-12)


@pytest.mark.parametrize("receptive", [True, False])
def test_rows_sum_to_1_and_later_tokens_have_no_share(receptive):
    found = rolled(random_pattern(3, 7, causal=True), 0.3, receptive)
    np.testing.assert_allclose(found.sum(-1), 1)
    assert not np.triu(found, 1).any()


def test_the_rollout_of_one_layer_without_residual_is_its_pattern():
    pattern = random_pattern(1, 5, causal=True)[0]
    np.testing.assert_allclose(rolled([pattern], residual=0), pattern)


def test_the_correction_reduces_keys_that_more_queries_see():
    """Three tokens with uniform attention: 3, 2 and 1 queries see the columns."""
    found = rolled([uniform(3, causal=True)], residual=0, receptive=True)
    np.testing.assert_allclose(found, [[1, 0, 0], [0.4, 0.6, 0], [2 / 11, 3 / 11, 6 / 11]])


def flows(steps):
    size = len(steps[0])
    capacities = graph(steps)
    return np.array([[flow_from(capacities, size, query, key) for key in range(size)] for query in range(size)])


def test_the_flow_through_one_layer_is_its_weights():
    pattern = random_pattern(1, 4, causal=False)[0]
    np.testing.assert_allclose(flows([pattern]), pattern, atol=1e-6)


def test_the_flow_is_limited_by_the_layer_with_the_smallest_capacity():
    """Token 1 reaches 0 by two paths: 0.3 stays in it and then goes over, 0.7 goes over and stays; 0.5 leave."""
    first = np.array([[1, 0], [0.4, 0.6]])
    second = np.array([[1, 0], [0.7, 0.3]])
    np.testing.assert_allclose(flows([first, second])[1], [0.7 + 0.3, 0.3], atol=1e-6)
    first = np.array([[0.5, 0.5], [0.1, 0.9]])
    np.testing.assert_allclose(flows([first, second])[1], [0.5 + 0.1, 0.5 + 0.3], atol=1e-6)


def augmented(steps, query, key):
    """The algorithm of Ford and Fulkerson: push flow along paths with capacity left, until there is none."""
    layers, places = range(len(steps)), range(len(steps[0]))
    room = {((layer + 1, i), (layer, j)): steps[layer][i][j] for layer in layers for i in places for j in places}
    nodes = {node for edge in room for node in edge}

    def path(node, seen):
        if node == (0, key):
            return []
        for other in nodes - seen:
            if room.get((node, other), 0) > 1e-9:
                rest = path(other, seen | {other})
                if rest is not None:
                    return [(node, other), *rest]
        return None

    total, source = 0.0, (len(steps), query)
    while found := path(source, {source}):
        least = min(room[edge] for edge in found)
        for a, b in found:
            room[a, b] -= least
            room[b, a] = room.get((b, a), 0) + least
        total += least
    return total


def test_every_flow_is_that_of_the_second_implementation():
    steps = random_pattern(2, 3, causal=False)
    wanted = [[augmented(steps, query, key) for key in range(3)] for query in range(3)]
    np.testing.assert_allclose(flows(list(steps)), wanted, atol=1e-5)
