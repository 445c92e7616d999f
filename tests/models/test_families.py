"""Each family of the tables: our layer equals Hugging Face's eager attention, with every parameter drawn anew."""

import pytest
import torch
from worlds import randomise

from headscope.attention.hooks import watching
from headscope.attention.rope import Rotary
from headscope.models.adapter import adopt
from headscope.models.families import FAMILIES
from headscope.models.heads import base_class
from headscope.models.interface.attention import NAME

LENGTH, REAL = 24, 19  # tokens, and those of the second text that are not padding
# Of these, each family takes what its configuration has.
SIZES = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 4, "num_attention_heads": 4,
    "max_position_embeddings": 64, "num_key_value_heads": 2, "head_dim": 12, "embedding_size": 16,
    "attention_bias": True, "sliding_window": 4, "num_local_experts": 2, "num_experts_per_tok": 1,
    "query_pre_attn_scalar": 10, "attn_logit_softcapping": 2.0, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    "n_positions": 64, "n_embd": 32, "n_layer": 4, "n_head": 4, "dim": 32, "n_layers": 4, "n_heads": 4,
    "hidden_dim": 48,
}  # fmt: skip
EXTRA = {
    "qwen2": {"use_sliding_window": True, "max_window_layers": 2},
    "gemma3_text": {"layer_types": ["sliding_attention", "full_attention"] * 2},
    "smollm3": {"use_sliding_window": True, "no_rope_layers": [1, 0, 1, 0]},
    "gpt_oss": {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}},
}
# A window, and the layers that have it.
WINDOWS = {
    "mistral": [4, 4, 4, 4], "phi3": [4, 4, 4, 4], "qwen2": [None, None, 4, 4], "gemma2": [4, None, 4, None],
    "gemma3_text": [4, None, 4, None], "smollm3": [None, 4, None, 4], "gpt_oss": [4, None, 4, None],
}  # fmt: skip


def tiny(family, seed=0, **changes):
    """A tiny model of transformers with random parameters, whose masks arrive as rules."""
    adapter = FAMILIES[family]
    sizes = {name: value for name, value in SIZES.items() if name in adapter.config_class.__annotations__}
    config = adapter.config_class(**{**sizes, **EXTRA.get(family, {}), **changes})
    model = base_class(family)._from_config(config, attn_implementation=NAME)
    return randomise(model.eval(), seed)


def batch():
    ids = torch.randint(3, 64, (2, LENGTH), generator=torch.Generator().manual_seed(0))
    return {"input_ids": ids, "attention_mask": (torch.arange(LENGTH) < torch.tensor([[LENGTH], [REAL]])).long()}


def eager(family, **changes):
    """Patterns and output of an untouched model of transformers."""
    model = tiny(family, **changes)
    model.set_attn_implementation("eager")
    with torch.no_grad():
        found = model(**batch(), output_attentions=True, use_cache=False)
    return found.attentions, found[0]


def ours(family, **changes):
    adopted, seen = adopt(tiny(family, **changes), FAMILIES[family]), []
    with torch.no_grad():
        with watching(adopted.model, "pattern", lambda _, pattern: seen.append(pattern)):
            explicit = adopted.model(**batch())[0]
        return seen, (explicit, adopted.model(**batch())[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_tiny_model_with_random_parameters_agrees_with_eager_attention(family):
    patterns, output = eager(family)
    found, outputs = ours(family)
    real = batch()["attention_mask"].bool()
    assert len(found) == len(patterns) == 4
    for one, other in zip(found, patterns, strict=True):
        rows = real[:, None, :, None]  # rows of padding have no meaning
        torch.testing.assert_close(one * rows, other * rows, atol=1e-5, rtol=0)
    for each in outputs:
        # Gemma does not divide its embeddings, so that its outputs are some ten times larger.
        torch.testing.assert_close(each[real], output[real], atol=1e-5 * max(1, output[real].abs().max()), rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_original_modules_agree_after_the_weights_are_shared(family):
    adopted = adopt(tiny(family), FAMILIES[family])
    with torch.no_grad(), adopted.as_hugging_face() as model:
        found = model(**batch(), output_attentions=True)
    for one, other in zip(found.attentions, eager(family)[0], strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_weight_is_copied(family):
    model = tiny(family)
    before = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    adopted = adopt(model, FAMILIES[family])
    assert {parameter.untyped_storage().data_ptr() for parameter in adopted.model.parameters()} == before


@pytest.mark.parametrize("family", FAMILIES)
def test_the_contributions_of_the_heads_and_the_bias_sum_to_the_output(family):
    layer = adopt(tiny(family), FAMILIES[family]).layers[0]
    x, seen = torch.randn(1, 9, layer.config.d_model, generator=torch.Generator().manual_seed(0)), []
    with torch.no_grad():
        whole = layer(x)
        with watching(layer, "result", lambda _, result: seen.append(result)):
            layer(x)
    bias = 0 if layer.project_out.bias is None else layer.project_out.bias
    assert seen[0].shape[1] == layer.config.heads
    torch.testing.assert_close(seen[0].sum(1) + bias, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_masks_and_angles_of_the_config_are_those_that_the_model_passes(family):
    """The layer alone, without a mask or angles, computes what it computes within the model."""
    adopted, given, alone = adopt(tiny(family), FAMILIES[family]), [], []

    def compute_alone(module, args, options, output):
        x = options["hidden_states"] if "hidden_states" in options else args[0]
        given.append(output[0])
        alone.append(module.attention(x))

    for replaced in adopted.replacements:
        if hasattr(replaced.ours, "attention"):
            replaced.ours.register_forward_hook(compute_alone, with_kwargs=True)
    with torch.no_grad():
        adopted.model(batch()["input_ids"])
    for one, other in zip(alone, given, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", WINDOWS)
def test_the_layers_with_a_window_are_those_of_the_config(family):
    layers = adopt(tiny(family), FAMILIES[family]).layers
    assert [layer.config.window for layer in layers] == WINDOWS[family]


def test_some_layers_of_smollm3_have_no_rotary_embedding():
    layers = adopt(tiny("smollm3"), FAMILIES["smollm3"]).layers
    assert [layer.config.rotary is None for layer in layers] == [False, True, False, True]


@pytest.mark.parametrize(("family", "width", "interleaved"), [("gpt_neox", 2, False), ("glm", 6, True)])
def test_only_a_part_of_each_head_is_turned(family, width, interleaved):
    rotary = adopt(tiny(family), FAMILIES[family]).layers[0].config.rotary
    assert rotary == Rotary(width, 10_000.0, interleaved)


def test_each_type_of_layer_of_gemma_3_has_its_own_base():
    bases = {"sliding_attention": 10_000.0, "full_attention": 1e6}
    parameters = {name: {"rope_type": "default", "rope_theta": base} for name, base in bases.items()}
    layers = adopt(tiny("gemma3_text", rope_parameters=parameters), FAMILIES["gemma3_text"]).layers
    assert [layer.config.rotary.base for layer in layers] == [10_000.0, 1e6, 10_000.0, 1e6]


def test_scaled_angles_of_the_model_are_used_and_not_those_of_the_base():
    scaled = {"rope_type": "linear", "factor": 4.0, "rope_theta": 10_000.0}
    (found, _), (patterns, _) = ours("llama", rope_parameters=scaled), eager("llama", rope_parameters=scaled)
    torch.testing.assert_close(found[1][0], patterns[1][0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", ["llama", "qwen3", "glm", "gpt_neox", "gpt_oss"])
def test_a_model_without_biases_has_none(family):
    layer = adopt(tiny(family, attention_bias=False), FAMILIES[family]).layers[0]
    assert [name for name, _ in layer.named_parameters() if name.endswith("bias")] == []


def test_roberta_reads_two_tokens_fewer_than_it_has_positions():
    assert FAMILIES["roberta"].positions(tiny("roberta", pad_token_id=1, max_position_embeddings=514).config) == 512
