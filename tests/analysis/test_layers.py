"""Rollout and flow of a capture."""

import numpy as np
import pytest
import torch
from worlds import CountedProgress, whole_maps

from headscope.analysis import blocks, layers
from headscope.analysis.formulas.rollout import next_rollout, step
from headscope.analysis.layers import flow, rollout, rollout_options
from headscope.capture.capture import run
from headscope.errors import ClientsGone, TooManyTokens, UnknownLayer

TEXT = "The cat sat on the mat."


@pytest.fixture(scope="module", params=["local:bert", "local:gpt2"])
def capture(request, loaded):
    return run(loaded(request.param), TEXT)


def by_hand(capture, start, last, residual, receptive):
    """From whole maps, with the last layer on the left."""
    found = None
    for layer in range(start, last + 1):
        mean = torch.tensor(whole_maps(capture, [layer], range(capture.heads))[0].mean(0), dtype=torch.float64)
        found = next_rollout(step(mean, residual, receptive), found)
    return found.numpy()


@pytest.mark.parametrize(("start", "last"), [(0, None), (1, None), (0, 1), (2, 2)])
def test_rollout_is_the_product_of_the_chosen_layers(capture, start, last, monkeypatch):
    monkeypatch.setattr(blocks, "WEIGHTS_PER_BLOCK", 40)
    asked = rollout_options(capture, start, last, 0.5, None)
    wanted = by_hand(capture, start, asked.layer, 0.5, capture.card.causal)
    np.testing.assert_allclose(rollout(capture, asked), wanted, atol=1e-6)


@pytest.mark.parametrize(("start", "last"), [(2, 1), (0, 3), (-1, None)])
def test_layers_that_do_not_exist_are_refused(capture, start, last):
    with pytest.raises(UnknownLayer, match=r"has layers 0\.\.2"):
        rollout_options(capture, start, last, 0.5, None)


def test_a_text_that_is_too_long_is_refused_with_both_numbers(capture, monkeypatch):
    monkeypatch.setattr(layers, "MOST_OF_ROLLOUT", 3)
    with pytest.raises(TooManyTokens, match="at most 3"):
        rollout(capture, rollout_options(capture, 0, None, 0.5, None))


def test_flow_is_at_least_rollout(capture):
    """Rollout adds up the products along all paths; a path can carry at least its product."""
    asked = rollout_options(capture, 0, None, 0.5, False)
    found = flow(capture, asked, [1, 3])
    assert found.shape == (2, len(capture.tokens))
    assert (found >= rollout(capture, asked)[[1, 3]] - 1e-4).all()


def test_a_flow_can_be_stopped(capture):
    with pytest.raises(ClientsGone):
        flow(capture, rollout_options(capture, 0, None, 0.5, None), [0], CountedProgress(stop_at=5))


def test_the_number_of_steps_is_known_in_advance(capture, monkeypatch):
    monkeypatch.setattr(blocks, "WEIGHTS_PER_BLOCK", 100)
    options, progress = rollout_options(capture, 1, None, 0.5, None), CountedProgress()
    rollout(capture, options, progress)
    assert progress.steps == progress.checks == layers.steps_of(capture, options)
    progress = CountedProgress()
    flow(capture, options, [0, 2], progress)
    assert progress.steps == progress.checks == layers.steps_of(capture, options, [0, 2])
