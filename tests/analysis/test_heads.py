"""Scores and roles in one pass equal those of two."""

import numpy as np
import pytest
from worlds import CountedProgress

from headscope.analysis import blocks
from headscope.analysis.heads import scores_and_roles
from headscope.analysis.roles import roles
from headscope.analysis.scores import per_head
from headscope.analysis.table import ROW_SCORES
from headscope.capture.capture import run
from headscope.capture.layer import LayerCapture

TEXT = "The cat sat on the mat, and the cat ran to the mat."


@pytest.fixture(scope="module", params=["local:bert", "local:gpt2"])
def capture(request, loaded):
    return run(loaded(request.param), TEXT)


def test_one_pass_gives_the_numbers_of_two(capture, monkeypatch):
    monkeypatch.setattr(blocks, "WEIGHTS_PER_BLOCK", 300)
    values, found = scores_and_roles(capture, ROW_SCORES)
    np.testing.assert_array_equal(values, per_head(capture, ROW_SCORES))
    expected = roles(capture)
    for name in ("sink", "share", "chance", "left", "queries", "held", "sink_dominated", "delimiter"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_each_block_of_weights_is_computed_once(capture, monkeypatch):
    monkeypatch.setattr(blocks, "WEIGHTS_PER_BLOCK", 300)
    computed, block = [], LayerCapture.block
    monkeypatch.setattr(LayerCapture, "block", lambda self, *given: computed.append(given) or block(self, *given))
    progress = CountedProgress()
    scores_and_roles(capture, ROW_SCORES, progress)
    assert len(computed) == progress.steps == blocks.steps(capture) > len(capture.layers)
