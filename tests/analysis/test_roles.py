"""The roles of the heads of a capture."""

import numpy as np
import pytest

from headscope.analysis import blocks
from headscope.analysis.formulas.roles import ROLES
from headscope.analysis.induction import probe
from headscope.analysis.roles import roles
from headscope.analysis.scores import per_head
from headscope.analysis.table import BY_NAME
from headscope.capture.capture import run

REPEATED = "The old bird spoke to a white horse by the river. The old bird spoke to a white horse by the river."
NAMES = [role.name for role in ROLES]
NAIVE = ("first", "previous", "self", "duplicate", "induction", "punctuation")


@pytest.fixture(scope="module")
def capture(loaded):
    return run(loaded("gpt2-mini"), REPEATED)


def test_roles_do_not_depend_on_the_size_of_the_blocks(capture, monkeypatch):
    whole = roles(capture)
    monkeypatch.setattr(blocks, "WEIGHTS_PER_BLOCK", 1)
    rows = roles(capture)
    for name in ("sink", "share", "chance", "left", "queries"):
        np.testing.assert_allclose(getattr(rows, name), getattr(whole, name), atol=2e-6)


def test_roles_are_found_where_the_largest_score_of_most_heads_is_the_first_token(capture):
    naive = np.nanargmax(per_head(capture, [BY_NAME[name] for name in NAIVE]), 0)
    called_first = (naive == NAIVE.index("first")).mean()
    found = roles(capture)
    hidden = (naive == NAIVE.index("first")) & found.held.any(0)
    assert hidden.any()
    assert found.sink_dominated.mean() < called_first


def test_the_heads_found_in_a_text_are_those_of_the_induction_probe(capture, loaded):
    found, values = roles(capture), probe(loaded("gpt2-mini")).values
    probed = dict(zip(("previous", "duplicate", "induction"), values, strict=True))
    for name in ("previous", "induction"):
        held = found.held[NAMES.index(name)]
        assert held.any()
        assert (probed[name][held] > 0.3).any()


def test_the_delimiter_and_positional_heads_of_minilm_are_found(loaded):
    found = roles(run(loaded("minilm"), REPEATED))
    assert found.delimiter.any()
    assert (found.sink[found.delimiter] >= 0.5).all()
    assert found.held[NAMES.index("previous")][0, 2]
    assert found.held[NAMES.index("next")][1, 8]


def test_a_decoder_has_no_delimiter_heads(capture):
    assert not capture.card.pairs
    assert not roles(capture).delimiter.any()


def test_a_text_of_one_token_has_no_roles(loaded):
    found = roles(run(loaded("local:gpt2"), "a"))
    assert len(found.sink[0]) == 4
    assert not found.held.any()
    assert not found.sink_dominated.any()
