"""Similarity of the heads of a capture, compared with that of whole maps."""

import numpy as np
import pytest
import torch
from worlds import CountedProgress, whole_maps

from headscope.analysis import similarity as studies
from headscope.analysis.formulas import similarity as formulas
from headscope.analysis.scores import per_head
from headscope.analysis.similarity import similarity, spaced
from headscope.analysis.table import BY_NAME
from headscope.capture.capture import run
from headscope.errors import ClientsGone

TEXT = "The cat sat on the mat, and the cat ran to the mat."


@pytest.fixture(scope="module", params=["local:bert", "local:gpt2"])
def capture(request, loaded):
    return run(loaded(request.param), TEXT)


def maps(capture):
    whole = whole_maps(capture, range(len(capture.layers)), range(capture.heads))
    return torch.tensor(whole, dtype=torch.float64).flatten(0, 1)


@pytest.mark.parametrize("most", [1, 500, 2**21])
def test_results_do_not_depend_on_the_size_of_the_groups_of_rows(capture, most, monkeypatch):
    monkeypatch.setattr(studies, "WEIGHTS_PER_BLOCK", most)
    found, whole = similarity(capture, range(len(capture.layers))), maps(capture)
    assert found.queries == tuple(range(len(capture.tokens)))
    rows = whole.shape[1]
    np.testing.assert_allclose(found.jensen_shannon, formulas.jensen_shannon(whole) / rows, atol=1e-6)
    np.testing.assert_allclose(found.cosine, formulas.cosine(formulas.products(whole)), atol=1e-6)
    np.testing.assert_allclose(found.rank, formulas.effective_rank(whole), rtol=1e-3)  # of float32 weights
    np.testing.assert_allclose(found.entropy, formulas.bits(whole).mean(-1), atol=1e-5)
    [first] = per_head(capture, [BY_NAME["first"]])
    np.testing.assert_allclose(found.first, first.flatten(), atol=1e-6)


def test_some_rows_are_compared_in_place_of_all(capture):
    found, whole = similarity(capture, [1], rows=3), maps(capture)
    heads, size = capture.heads, len(capture.tokens)
    chosen = whole[heads : 2 * heads][:, list(spaced(size, 3))]
    np.testing.assert_allclose(found.jensen_shannon, formulas.jensen_shannon(chosen) / 3, atol=1e-6)
    assert len(found.queries) == 3


def test_no_head_is_collapsed_on_the_first_token_in_a_text_of_one_token(loaded):
    found = similarity(run(loaded("local:gpt2"), "a"), range(3))
    assert np.isnan(found.first).all()
    assert not found.collapsed["sink"].any()


def test_rows_are_spaced_evenly():
    assert spaced(10, 2) == (2, 7)
    assert spaced(3, 64) == (0, 1, 2)
    assert spaced(16_384, 64)[:2] == (128, 384)


def test_heads_of_a_layer_that_hardly_differ_are_near_duplicates():
    apart = np.full((4, 4), 0.5)
    apart[0, 1] = apart[1, 0] = 0.01  # of one layer
    apart[1, 2] = apart[2, 1] = 0.01  # of two
    nothing = np.zeros(4)
    found = studies.Similarity(apart, apart, np.zeros((4, 2)), 1.0, nothing, nothing, nothing, (0,))
    assert found.near_duplicates([0, 0, 1, 1]) == [(0, 1)]


def test_the_comparison_can_be_stopped(capture):
    with pytest.raises(ClientsGone):
        similarity(capture, [0], progress=CountedProgress(stop_at=0))


@pytest.mark.fault(22)
def test_the_comparison_stops_between_two_heads_of_the_same_rows(capture, monkeypatch):
    compared, bits = [], formulas.bits
    monkeypatch.setattr(formulas, "bits", lambda *given: compared.append(1) or bits(*given))
    with pytest.raises(ClientsGone):
        similarity(capture, [0], progress=CountedProgress(stop_at=2))
    assert len(compared) == 2  # the heads themselves, then the first with all others


@pytest.mark.parametrize("rows", [None, 3])
def test_the_number_of_steps_is_known_in_advance(capture, rows, monkeypatch):
    monkeypatch.setattr(studies, "WEIGHTS_PER_BLOCK", 400)
    progress = CountedProgress()
    similarity(capture, [0, 2], rows, progress)
    assert progress.steps == studies.steps(capture, [0, 2], rows)
