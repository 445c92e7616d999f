"""A Hugging Face model with our attention has the same results as with its own eager attention."""

import pytest
import torch
from worlds import TINY, randomise

from headscope.attention.hooks import watching
from headscope.capture.certificate import reference_patterns
from headscope.models.adapter import adopt
from headscope.models.families import FAMILIES

# float32: a dozen matrix products of some hundred terms each; float64 has nine more digits.
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}
BUNDLED = ["minilm", "gpt2-mini"]
VARIANTS = {
    "bert": {},
    "bert-masked": {},
    "gpt2": {},
    "gpt2 unscaled": {"scale_attn_weights": False},
    "gpt2 scaled by layer": {"scale_attn_by_inverse_layer_idx": True},
}


def tiny(variant, dtype):
    """A tiny model with random parameters and our attention layers."""
    kind = variant.split()[0]
    config, model_class, _ = TINY[kind]
    model = randomise(model_class(config(attn_implementation="sdpa", **VARIANTS[variant]))).to(dtype)
    return adopt(model, FAMILIES[kind.split("-")[0]])


def batch(vocabulary, *, padded, pairs, length=11):
    ids = torch.randint(5, vocabulary, (2, length), generator=torch.Generator().manual_seed(0))
    inputs = {"input_ids": ids}
    if padded:
        inputs["attention_mask"] = (torch.arange(length)[None] < torch.tensor([[length], [length - 4]])).long()
    if pairs:
        inputs["token_type_ids"] = (torch.arange(length)[None] > 5).long().expand(2, -1)
    return inputs


def both(adopted, inputs):
    """(ours, theirs): patterns of every layer, and the model's outputs."""
    ours, theirs = [], []
    with torch.no_grad():
        with watching(adopted.model, "pattern", lambda _, pattern: ours.append(pattern)):
            explicit = adopted.model(**inputs)[0]
        with reference_patterns(adopted, theirs.append):
            wanted = adopted.model(**inputs)[0]
        return ours, theirs, (explicit, adopted.model(**inputs)[0]), wanted


def assert_parity(adopted, inputs, tolerance, of_outputs=1):
    """Patterns differ by at most the tolerance, and outputs by at most the tolerance times `of_outputs`."""
    ours, theirs, outputs, wanted = both(adopted, inputs)
    real = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"])).bool()
    assert len(ours) == len(theirs) == len(adopted.layers)
    for one, other in zip(ours, theirs, strict=True):
        # The rows of padded queries have no meaning, and the implementations differ there.
        rows = real[:, None, :, None]
        torch.testing.assert_close(one * rows, other * rows, atol=tolerance, rtol=0)
    for output in outputs:
        torch.testing.assert_close(output[real], wanted[real], atol=tolerance * of_outputs, rtol=0)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_tiny_model_with_random_parameters_agrees(variant, padded, dtype):
    adopted = tiny(variant, dtype)
    inputs = batch(adopted.model.config.vocab_size, padded=padded, pairs=variant.startswith("bert"))
    assert_parity(adopted, inputs, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("model_id", BUNDLED)
def test_a_bundled_model_agrees(model_id, padded, dtype, fresh):
    model = fresh(model_id)
    model.adopted.model.to(dtype)
    for replaced in model.adopted.replacements:
        replaced.original.to(dtype)
    inputs = batch(model.adopted.model.config.vocab_size, padded=padded, pairs=model.card.pairs, length=24)
    # gpt2-mini's outputs are logits of about 20, from a stream of up to 260; minilm's are hidden states of about 1.
    assert_parity(model.adopted, inputs, TOLERANCE[dtype], of_outputs=20 if model_id == "gpt2-mini" else 1)


def test_the_comparison_finds_a_missing_bias():
    adopted = tiny("gpt2", torch.float32)
    with torch.no_grad():
        adopted.layers[1].project_q.bias = torch.nn.Parameter(torch.zeros(24))
    with pytest.raises(AssertionError):
        assert_parity(adopted, batch(300, padded=False, pairs=False), 1e-3)
