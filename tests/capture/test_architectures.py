"""Captures of models that this project has no table for, through the attention interface of transformers."""

from dataclasses import replace

import pytest
import torch
from architectures import ARCHITECTURES

from headscope.capture.capture import run_prompt
from headscope.capture.certificate import certify
from headscope.models.adopted import adopt_by_interface
from headscope.models.loading import LoadedModel
from headscope.records import ModelCard, Prompt, Token, TokenizedPrompt

ONE_STACK = [name for name in ARCHITECTURES if name not in ("t5", "bart")]
LENGTH = 40


@pytest.fixture(scope="module", params=ONE_STACK)
def captured(request):
    """A model with random weights, and the capture of random tokens."""
    adopted = adopt_by_interface(ARCHITECTURES[request.param].build(attention="eager"))
    stacks = adopted.stacks()
    card = ModelCard("tiny", "", request.param, "local", causal=stacks[0].causal, stacks=stacks, d_model=32)
    model = LoadedModel(card, adopted, tokenizer=None)
    ids = torch.randint(3, 64, (LENGTH,), generator=torch.Generator().manual_seed(1)).tolist()
    tokens = tuple(Token(n, number, str(number), n, n + 1, False, 0) for n, number in enumerate(ids))
    return model, run_prompt(model, TokenizedPrompt(Prompt(""), tokens), "0")


def test_every_weight_is_that_of_eager_attention(captured):
    model, capture = captured
    certificate = certify(model, capture)
    assert len(certificate.max_abs_error) == len(capture.layers)
    assert 0 <= max(certificate.max_abs_error) <= 1e-5
    assert certificate.causal_leak == (0 if model.card.causal else None)


def test_a_layer_that_attends_otherwise_fails_the_certificate(captured):
    model, capture = captured
    wrong = [
        replace(
            layer,
            terms=replace(layer.terms, scale=layer.terms.scale * 1.01),
            exact_lse=torch.full_like(layer.exact_lse, torch.nan),
        )
        for layer in capture.layers
    ]
    assert max(certify(model, replace(capture, layers=tuple(wrong))).max_abs_error) > 1e-4


def test_layers_have_the_numbers_of_the_card(captured):
    model, capture = captured
    assert [layer.index for layer in capture.layers] == [
        layer.index for layer in model.card.stacks[0].layers if layer.attention
    ]
