"""Attention behind the interface of transformers, compared with eager attention of the same model."""

from dataclasses import replace

import pytest
import torch
from architectures import ARCHITECTURES, inputs_of

from headscope.attention.hooks import watching
from headscope.attention.kernels import attend
from headscope.attention.rules import causal
from headscope.models.interface.attention import CORE, NAME, rule_and_bias
from headscope.models.interface.layout import calls_of, layers_of, without_attention
from headscope.models.interface.mask import RuleMask

STACKS = {
    "self": "attentions",
    "encoder": "encoder_attentions",
    "decoder": "decoder_attentions",
    "cross": "cross_attentions",
}


@pytest.fixture(scope="module", params=ARCHITECTURES)
def compared(request):
    """The calls, layers and output of a model with our attention, and the output of eager attention."""
    model = ARCHITECTURES[request.param].build()
    inputs = inputs_of(model)
    with torch.inference_mode():
        wanted = model(**inputs, output_attentions=True, use_cache=False)
    model.set_attn_implementation(NAME)
    calls = calls_of(model, lambda: model(**inputs, use_cache=False))
    with torch.inference_mode():
        output = model(**inputs, use_cache=False)[0]
    return request.param, model, calls, layers_of(calls, target_length(inputs)), output, wanted


def target_length(inputs):
    return inputs["decoder_input_ids"].shape[1] if "decoder_input_ids" in inputs else None


def test_the_output_is_that_of_eager_attention(compared):
    *_, output, wanted = compared
    torch.testing.assert_close(output, wanted[0], atol=1e-5, rtol=1e-5)


def test_every_pattern_is_that_of_eager_attention(compared):
    _, _, calls, layers, _, wanted = compared
    left = {stack: [x for x in wanted.get(name) or () if x is not None] for stack, name in STACKS.items()}
    for call, layer in zip(calls, layers, strict=True):
        seen = []
        with torch.inference_mode():
            attend(call.q, call.k, call.v, call.terms, pattern_step=lambda x: seen.append(x) or x)  # noqa: B023 - called at once
        torch.testing.assert_close(seen[0], left[layer.stack].pop(0), atol=1e-5, rtol=0)
    assert not any(left.values())


def test_no_mask_and_no_bias_is_kept_as_a_square(compared):
    _, _, calls, *_ = compared
    for call in calls:
        assert call.terms.rule.bits is None
        assert call.terms.bias is None or call.terms.bias.kind != "dense"


def terms_of(name):
    model = ARCHITECTURES[name].build(attention=NAME)
    inputs = inputs_of(model)
    calls = calls_of(model, lambda: model(**inputs, use_cache=False))
    return model, [call.terms for call in calls], layers_of(calls, target_length(inputs))


def test_a_window_a_cap_sinks_and_chunks_are_found():
    _, terms, _ = terms_of("mistral")
    assert terms[0].rule.visible(range(9, 10)) == range(6, 10)
    assert {each.softcap for each in terms_of("gemma2")[1]} == {50.0}
    assert [each.sinks.shape for each in terms_of("gpt-oss")[1]] == [(4,), (4,)]
    assert terms_of("llama4")[1][0].rule.visible(range(11, 12)) == range(10, 12)
    assert [each.bias and each.bias.kind for each in terms_of("t5")[1]] == ["distance"] * 3 + [None] + ["distance"] + [
        None
    ]


def test_layers_keep_the_numbers_of_their_model():
    model, _, layers = terms_of("jamba")
    assert [layer.index for layer in layers] == [4]
    assert without_attention(model, layers) == dict.fromkeys((0, 1, 2, 3, 5, 6, 7), "JambaMambaMixer")


def test_a_module_that_runs_three_times_is_three_layers():
    model, _, layers = terms_of("albert")
    assert [layer.index for layer in layers] == [0, 1]
    assert len({layer.core for layer in layers}) == 1


def test_the_stacks_of_an_encoder_decoder_model_are_told_apart():
    _, _, layers = terms_of("bart")
    found = [(layer.stack, layer.index, layer.heads, layer.causal) for layer in layers]
    decoder = [(stack, n, 2, stack == "decoder") for n in range(3) for stack in ("decoder", "cross")]
    assert found == [("encoder", 0, 4, False), ("encoder", 1, 4, False), *decoder]


def test_hook_points_have_the_same_names_as_in_our_own_layer():
    model, *_ = terms_of("llama")
    inputs, seen = inputs_of(model), {}
    with watching(model, ("pattern", f"layers.1.self_attn.{CORE}.z"), seen.__setitem__), torch.inference_mode():
        model(**inputs, use_cache=False)
    assert {name: list(x.shape) for name, x in seen.items()} == {
        f"layers.0.self_attn.{CORE}.pattern": [1, 4, 24, 24],
        f"layers.1.self_attn.{CORE}.pattern": [1, 4, 24, 24],
        f"layers.1.self_attn.{CORE}.z": [1, 4, 24, 8],
    }


def test_an_edit_changes_the_output_as_the_same_edit_of_eager_attention_does():
    model, *_ = terms_of("llama")
    inputs = inputs_of(model)

    def switch_off(_, z):
        return z * torch.tensor([1.0, 0.0, 1.0, 1.0])[:, None, None]

    with watching(model, f"layers.0.self_attn.{CORE}.z", switch_off), torch.inference_mode():
        edited = model(**inputs, use_cache=False)[0]
    with torch.no_grad():
        model.layers[0].self_attn.o_proj.weight[:, 8:16] = 0
    model.set_attn_implementation("eager")
    with torch.inference_mode():
        wanted = model(**inputs, use_cache=False)[0]
    torch.testing.assert_close(edited, wanted, atol=1e-5, rtol=1e-5)


def test_an_edit_of_the_terms_widens_the_window_of_a_layer():
    model, terms, _ = terms_of("mistral")
    assert all(not each.rule.is_lower_triangle for each in terms)
    wide = ARCHITECTURES["mistral"]
    free = replace(wide, sizes={**wide.sizes, "sliding_window": None}).build(attention=NAME)
    inputs = inputs_of(model)
    with watching(model, "terms", lambda _, t: replace(t, rule=causal(24, 24))), torch.inference_mode():
        found = model(**inputs, use_cache=False)[0]
    with torch.inference_mode():
        torch.testing.assert_close(found, free(**inputs, use_cache=False)[0], atol=1e-5, rtol=1e-5)


def test_a_mask_is_no_square_until_a_model_computes_with_it():
    mask = RuleMask(rule_and_bias(None, 5, 5)[0], 1, torch.float32, torch.device("cpu"))
    assert mask.shape == (1, 1, 5, 5)
    assert isinstance(mask[:, :, :, :5], RuleMask)
    assert torch.equal(mask + 1, torch.ones(1, 1, 5, 5))


def test_a_float_mask_is_a_rule_and_a_bias():
    added = torch.tensor([[0.0, 1.0, 2.0]]).expand(3, 3)
    hidden = torch.ones(3, 3, dtype=torch.bool).triu(1)
    mask = added.masked_fill(hidden, torch.finfo(torch.float32).min)[None, None]
    rule, bias = rule_and_bias(mask, 3, 3)
    assert rule.is_lower_triangle
    assert bias.kind == "key"
    assert bias.values.tolist() == [[[0.0, 1.0, 2.0]]]
