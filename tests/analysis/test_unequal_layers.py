"""Captures of models whose layers differ: some have no attention, some have fewer heads than others."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headscope.analysis.heads import scores_and_roles
from headscope.analysis.layers import rollout, rollout_options
from headscope.analysis.scores import per_head, per_query
from headscope.analysis.similarity import similarity
from headscope.analysis.table import scores_named
from headscope.capture.capture import run
from headscope.capture.windows import Maps, head_window, overview, window
from headscope.errors import NoAttention, UnknownHead
from headscope.records import LayerCard, StackCard

TEXT = "The cat sat on the mat. The dog ran to the mat."
HERE, GONE, FEWER = (0, 0), (1, 0), (2, 3)  # layer and head


@pytest.fixture(scope="module")
def whole(loaded):
    return run(loaded("local:gpt2"), TEXT)


@pytest.fixture(scope="module")
def capture(whole):
    """The same capture, as if layer 1 had no attention and layer 2 only three of its four heads."""
    first, _, last = whole.layers
    parts = {name: getattr(last, name)[:3].clone() for name in ("q", "k", "lse", "exact_lse")}
    stack = whole.card.stacks[0]
    mamba = LayerCard(1, attention=False, why="MambaMixer")
    cards = (stack.layers[0], mamba, replace(stack.layers[2], heads=3, kv_heads=3))
    card = replace(whole.card, stacks=(replace(stack, layers=cards),))
    return replace(whole, card=card, all_layers=(first, replace(last, **parts)))


def expected(values):
    """[... l h ...] of the whole capture, without what the other does not have; axes 0 and 1 are layer and head."""
    found = values.astype(np.float64).copy()
    found[1], found[2, 3] = np.nan, np.nan
    return found


def test_scores_of_missing_heads_are_undefined_and_the_others_unchanged(whole, capture):
    scores = scores_named("entropy,first")
    for compute in (per_head, per_query):
        for one, other in zip(compute(capture, scores), compute(whole, scores), strict=True):
            np.testing.assert_allclose(one, expected(other), rtol=1e-6)


def test_missing_heads_have_no_role(whole, capture):
    found, wanted = (scores_and_roles(each, scores_named("first"))[1] for each in (capture, whole))
    assert not found.held[:, 1].any()
    assert not found.held[:, 2, 3].any()
    assert (found.held[:, 0] == wanted.held[:, 0]).all()
    np.testing.assert_allclose(found.sink, expected(wanted.sink))


def test_thumbnails_of_missing_heads_are_undefined(whole, capture):
    found, wanted = (overview(each, 4)[0] for each in (capture, whole))
    np.testing.assert_allclose(found, expected(wanted), rtol=1e-6)


def test_a_dump_holds_undefined_numbers_for_missing_heads(whole, capture):
    found = np.concatenate(list(Maps(capture, [0, 2], [0, 3], "pattern"))).reshape(2, 2, len(whole.tokens), -1)
    assert np.isnan(found[1, 1]).all()
    assert not np.isnan(found[[0, 0, 1], [0, 1, 0]]).any()


def test_similarity_compares_the_heads_that_exist(whole, capture):
    found = similarity(capture, [0, 2])
    wanted = similarity(whole, [0, 2])
    np.testing.assert_allclose(found.jensen_shannon, wanted.jensen_shannon[:7, :7], atol=1e-6)


def test_rollout_goes_through_the_layers_that_have_attention(whole, capture):
    def rolled(of, start, layer):
        return rollout(of, rollout_options(of, start, layer, 0.5, None))

    np.testing.assert_allclose(rolled(capture, 0, 1), rolled(whole, 0, 0))
    with pytest.raises(NoAttention, match=r"start=1, layer=1: local:gpt2 has attention in the layers 0, 2"):
        rolled(capture, 1, 1)


@pytest.mark.parametrize(
    ("place", "error", "text"),
    [
        (GONE, NoAttention, r"layer 1 of local:gpt2 has no softmax attention \(MambaMixer\): layers 0 and 2 have it"),
        (FEWER, UnknownHead, r"head 3 of layer 2: local:gpt2 has heads 0\.\.2"),
    ],
)
def test_a_missing_head_is_refused_with_the_reason(capture, place, error, text):
    with pytest.raises(error, match=text):
        head_window(capture, *place, window(len(capture.tokens), None, None, None))


@pytest.mark.parametrize(
    ("present", "expected"),
    [
        ([4], "layer 4 has it"),
        ([1, 4], "layers 1 and 4 have it"),
        ([1, 4, 7], "layers 1, 4 and 7 have it"),
        (range(1, 11), "layers 1, 2, 3, 4, 5, 6, 7, 8 and 2 more have it"),
    ],
)
def test_a_layer_without_attention_names_those_that_have_it(present, expected):
    layers = tuple(LayerCard(each, attention=each in present, why="Mamba") for each in range(12))
    with pytest.raises(NoAttention, match=rf"\(Mamba\): {expected}$"):
        StackCard("self", layers, causal=True).check_head(0, 0, "local:x")


def test_a_layer_keeps_its_number(whole, capture):
    part = window(len(capture.tokens), None, None, None)
    np.testing.assert_array_equal(head_window(capture, 2, 0, part), head_window(whole, 2, 0, part))
    assert torch.equal(capture.of_layer(2).q, whole.layers[2].q[:3])
