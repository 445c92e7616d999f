"""The scores of a capture, computed in blocks, are those of its whole maps in float64."""

import numpy as np
import pytest
import torch
from worlds import CountedProgress, whole_maps

from headscope.analysis import blocks
from headscope.analysis.formulas.block import Block, text_of
from headscope.analysis.scores import per_head, per_query, ranks
from headscope.analysis.table import BY_NAME, ROW_SCORES
from headscope.capture.capture import run
from headscope.errors import ClientsGone

TEXT = "The cat sat on the mat, and the cat ran to the mat."


@pytest.fixture(scope="module", params=["local:bert", "local:gpt2"])
def capture(request, loaded):
    return run(loaded(request.param), TEXT)


def at_once(capture):
    """[s l h i], from the whole maps of each layer."""
    causal, size = capture.card.causal, len(capture.tokens)
    text = text_of(capture.tokens, causal)
    maps = torch.tensor(whole_maps(capture, range(len(capture.layers)), range(capture.heads)), dtype=torch.float64)
    blocks = [Block(layer, range(size), text) for layer in maps]
    return torch.stack([torch.stack([score.of(block) for block in blocks]) for score in ROW_SCORES]).numpy()


@pytest.mark.parametrize("most", [1, 300, 2**21])
def test_scores_do_not_depend_on_the_size_of_the_blocks(capture, most, monkeypatch):
    monkeypatch.setattr(blocks, "WEIGHTS_PER_BLOCK", most)
    whole = at_once(capture)
    np.testing.assert_allclose(per_query(capture, ROW_SCORES), whole, atol=1e-6)
    with np.errstate(invalid="ignore"):
        means = np.nansum(whole, -1) / (~np.isnan(whole)).sum(-1)
    np.testing.assert_allclose(per_head(capture, ROW_SCORES), means, atol=1e-6)


def test_a_score_that_a_text_does_not_have_is_nan(capture):
    found = dict(zip(BY_NAME, per_head(capture, ROW_SCORES), strict=True))
    causal = capture.card.causal
    assert np.isnan(found["delimiter"]).all() == causal
    assert np.isnan(found["next"]).all() == causal
    assert not np.isnan(found["duplicate"]).any()


def test_the_scores_of_a_text_of_one_token(loaded):
    capture = run(loaded("local:gpt2"), "a")
    assert len(capture.tokens) == 1
    found = dict(zip(BY_NAME, per_head(capture, ROW_SCORES)[:, 0, 0].tolist(), strict=True))
    assert {name for name, value in found.items() if not np.isnan(value)} == {
        "entropy", "distance", "self", "confidence", "rare",
    }  # fmt: skip


def test_scoring_stops_before_the_next_block(capture, monkeypatch):
    monkeypatch.setattr(blocks, "WEIGHTS_PER_BLOCK", 1)
    progress = CountedProgress(stop_at=3)
    with pytest.raises(ClientsGone):
        per_head(capture, ROW_SCORES, progress)
    assert progress.steps == 3


def test_the_highest_score_has_rank_1_and_equal_scores_share_a_rank():
    values = np.array([[[0.5, 0.25], [0.5, np.nan]], [[np.nan] * 2] * 2])
    np.testing.assert_array_equal(ranks(values), [[[1, 3], [1, np.nan]], [[np.nan] * 2] * 2])
