"""Captures of models that this project has no table for, through the attention interface of transformers."""

from dataclasses import replace

import pytest
import torch
from architectures import ARCHITECTURES

from headscope.attention.core import Core
from headscope.capture.admission import admit, inputs_of, our_pass, rounding_of
from headscope.capture.capture import run_prompt
from headscope.capture.certificate import certify
from headscope.errors import UnsupportedModel
from headscope.models.adopting import adopt_by_interface
from headscope.models.interface.widened import widened
from headscope.models.loading import LoadedModel
from headscope.records import ModelCard, Prompt, Token, TokenizedPrompt

ONE_STACK = [name for name in ARCHITECTURES if name not in ("t5", "bart")]
LENGTH = 40


def loaded_tiny(name):
    """A model with random weights."""
    adopted = adopt_by_interface(ARCHITECTURES[name].build())
    stacks = adopted.stacks()
    card = ModelCard("tiny", "", name, "local", causal=stacks[0].causal, stacks=stacks, d_model=32)
    return LoadedModel(card, adopted, tokenizer=None)


@pytest.fixture(scope="module", params=ONE_STACK)
def captured(request):
    """A model, and the capture of random tokens."""
    model = loaded_tiny(request.param)
    ids = torch.randint(3, 64, (LENGTH,), generator=torch.Generator().manual_seed(1)).tolist()
    tokens = tuple(Token(n, number, str(number), n, n + 1, False, 0) for n, number in enumerate(ids))
    return model, run_prompt(model, TokenizedPrompt(Prompt(""), tokens), "0")


def test_every_weight_is_that_of_eager_attention(captured):
    model, capture = captured
    certificate = certify(model, capture)
    layers = model.card.stacks[0].layers
    assert [error is not None for error in certificate.max_abs_error] == [layer.attention for layer in layers]
    assert 0 <= max(filter(None, certificate.max_abs_error)) <= 1e-5
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
    errors = certify(model, replace(capture, all_layers=tuple(wrong))).max_abs_error
    assert max(filter(None, errors)) > 1e-4


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_model_is_admitted_with_its_errors_on_the_card(name):
    model = admit(loaded_tiny(name))
    found = model.card.certificate
    assert len(found.max_abs_error) == len(model.adopted.attention)
    assert max(found.max_abs_error) <= 1e-5
    assert "eager" in found.reference


@pytest.mark.parametrize("name", ["mistral", "t5"])
def test_a_model_whose_attention_differs_is_refused_with_the_numbers(name, monkeypatch):
    model = loaded_tiny(name)

    def wrong(self, q, k, v, terms):
        return compute(self, q, k, v, replace(terms, scale=terms.scale * 1.001))

    compute = Core.forward
    monkeypatch.setattr(Core, "forward", wrong)
    with pytest.raises(UnsupportedModel, match=r"layer 0 .* differs by \d\.\de-0[2345] .* at most 1\.0e-05"):
        admit(model)


def test_a_model_that_does_not_run_in_float64_has_no_allowance_for_rounding():
    model = loaded_tiny("gpt-oss")  # torch has no product of its kind in float64
    assert set(rounding_of(model, our_pass(model, torch.float32), torch.float32)) == {0.0}


MIXED = ("gpt-oss", "llama4", "jamba")


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in MIXED])
def test_in_float64_each_module_computes_in_float64_and_gets_its_weights_back(name):
    model = loaded_tiny(name)
    adopted = model.adopted
    before = {key: x.clone() for key, x in adopted.model.state_dict().items()}
    with torch.inference_mode():
        plain, inputs = our_pass(model, torch.float32), inputs_of(model)
        with widened(adopted.model, torch.float64):
            wide = adopted.run(*inputs)
    assert wide.dtype == torch.float64
    assert 0 < (wide - plain.hidden).abs().max() / wide.abs().max() < 1e-5
    assert all(torch.equal(x, before[key]) for key, x in adopted.model.state_dict().items())


def test_layers_have_the_numbers_of_the_card(captured):
    model, capture = captured
    assert [layer.index for layer in capture.layers] == [
        layer.index for layer in model.card.stacks[0].layers if layer.attention
    ]
