"""Scores and roles of layers in which a query may attend to some keys around it only."""

import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, write

from headscope.analysis.formulas.block import Block, text_of
from headscope.analysis.formulas.entropy import normalised_entropy
from headscope.analysis.formulas.roles import rest_of, uniformity
from headscope.analysis.scores import per_head
from headscope.analysis.table import scores_named
from headscope.capture.capture import run
from headscope.capture.windows import head_window, whole
from headscope.models.loading import load
from headscope.records import ModelCard, Token

WINDOW = 4  # of the tiny Mistral, with the query's own key


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    folder = write(tmp_path_factory.mktemp("windowed"), "mistral")
    return run(load(folder, ModelCard("local:x", "x", "", "local")), "the cat sat on the mat " * 4)


def test_the_entropy_is_divided_by_the_largest_that_the_window_allows(capture):
    assert ARCHITECTURES["mistral"].sizes["sliding_window"] == WINDOW
    (found,) = per_head(capture, scores_named("normalised_entropy"))
    for layer in range(2):
        for head in range(4):
            pattern = head_window(capture, layer, head, whole(capture)).astype(float)
            logs = np.log2(pattern, out=np.zeros_like(pattern), where=pattern > 0)
            keys = np.minimum(np.arange(len(pattern)) + 1, WINDOW)
            shares = -(pattern * logs).sum(-1)[1:] / np.log2(keys)[1:]
            assert found[layer, head] == pytest.approx(shares.mean(), abs=1e-5)


def block_of(allowed):
    """Uniform attention of one head to the keys that are allowed, in a causal text of six tokens."""
    tokens = [Token(number, 7, "a", number, number + 1, False, 0) for number in range(6)]
    weights = allowed / allowed.sum(-1, keepdim=True)
    return Block(weights[None], range(6), text_of(tokens, causal=True), allowed=allowed.bool())


def test_uniform_attention_within_a_window_is_as_uniform_as_it_can_be():
    block = block_of(torch.ones(6, 6).tril().triu(-2))
    assert normalised_entropy(block)[0, 1:].tolist() == pytest.approx([1] * 5)
    rest = rest_of(block)
    assert rest.seen.sum(-1).tolist() == [0, 1, 2, 3, 3, 3]  # without the first token
    share, _, counted = uniformity(rest)
    assert share[0, counted].tolist() == pytest.approx(rest.left[0, counted].tolist())


def test_a_key_outside_the_window_is_not_seen():
    block = block_of(torch.ones(6, 6).tril().triu(-2))
    chosen = torch.tensor([True, False, False, False, False, False])
    assert block.sees(chosen).tolist() == [True, True, True, False, False, False]
