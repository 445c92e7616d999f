"""Norms of weighted values of a capture, compared with norms from all values and maps."""

import numpy as np
import pytest
import torch
from architectures import write
from encoder_decoders import TARGET
from encoder_decoders import write as write_encoder_decoder
from worlds import whole_maps

from headscope.analysis.norms import bytes_of_grams, grams, window_of_norms
from headscope.attention.hooks import watching
from headscope.capture.capture import run
from headscope.capture.passes import forward
from headscope.capture.windows import whole, window
from headscope.errors import NoProjections
from headscope.models.loading import load
from headscope.records import ModelCard, Prompt

TEXT = "The cat sat on the mat, and the cat ran."


@pytest.fixture(scope="module", params=["local:bert", "local:gpt2"])
def world(request, loaded):
    """The capture, its inner products, and f [layer head j m] from each head's part of the output projection."""
    model = loaded(request.param)
    capture, values = run(model, TEXT), []
    with torch.inference_mode(), watching(model.adopted.model, "v", lambda _, v: values.append(v[0].clone())):
        forward(model, capture.tokens)
    f = []
    for layer, v in zip(model.adopted.layers, values, strict=True):
        weight = layer.project_out.weight.detach().view(layer.config.d_model, layer.config.heads, layer.config.head_dim)
        f.append(torch.einsum("hjd,mhd->hjm", v, weight).double())
    return capture, grams(model, capture), f


@pytest.mark.parametrize("cells", [None, 4])
def test_the_norms_of_a_head_are_weight_times_norm_of_the_value(world, cells):
    capture, kept, f = world
    part = window(len(capture.tokens), None, None, cells)
    whole = whole_maps(capture, [1], range(capture.heads))[0]
    norms = whole[2] * f[1][2].norm(dim=-1).numpy()
    found = window_of_norms(capture, kept, 1, 2, part)
    for row in range(found.shape[0]):
        for column in range(found.shape[1]):
            block = norms[row * part.query_step :][: part.query_step, column * part.key_step :][:, : part.key_step]
            assert found[row, column] == pytest.approx(block.max(), abs=1e-5)


def test_the_norms_of_a_layer_are_those_of_the_sum_over_its_heads(world):
    capture, kept, f = world
    part = window(len(capture.tokens), (2, 9), (0, 5), None)
    whole = torch.tensor(whole_maps(capture, [0], range(capture.heads))[0]).double()
    wanted = torch.einsum("hij,hjm->ijm", whole, f[0]).norm(dim=-1)[2:9, :5]
    np.testing.assert_allclose(window_of_norms(capture, kept, 0, None, part), wanted, atol=1e-4)


def test_the_size_of_the_inner_products_is_known_in_advance(world):
    capture, kept, _ = world
    assert bytes_of_grams(capture) == kept.bytes > 0


@pytest.mark.parametrize("stack", ["encoder", "decoder", "cross"])
@pytest.mark.parametrize("kind", ["t5", "bart"])
def test_the_norms_of_a_stack_are_those_of_its_values_and_projections(kind, stack, tmp_path):
    model = load(write_encoder_decoder(tmp_path / kind, kind), ModelCard("local:x", "x", "", "local"))
    whole_capture, values = run(model, Prompt(TEXT, target=TARGET)), []
    capture = whole_capture.of_stack(stack)
    with torch.inference_mode(), watching(model.adopted.model, "v", lambda _, v: values.append(v[0].clone())):
        forward(model, capture.tokens, capture.tokens_of("target"))
    number = [(each.stack, each.index) for each in model.adopted.attention].index((stack, 1))
    layer = model.adopted.layers[number]
    weight = layer.project_out.weight.detach().view(layer.config.d_model, layer.config.heads, layer.config.head_dim)
    f = torch.einsum("hjd,mhd->hjm", values[number], weight)
    pattern = torch.tensor(whole_maps(capture, [1], range(capture.heads))[0])
    kept = grams(model, whole_capture)
    assert kept.bytes == bytes_of_grams(whole_capture) == bytes_of_grams(capture)
    found = window_of_norms(capture, kept, 1, 1, whole(capture))
    np.testing.assert_allclose(found, pattern[1] * f[1].norm(dim=-1), atol=1e-5)
    wanted = torch.einsum("hij,hjm->ijm", pattern, f).norm(dim=-1)
    np.testing.assert_allclose(window_of_norms(capture, kept, 1, None, whole(capture)), wanted, atol=1e-4)


def test_a_model_without_a_table_has_no_norms(tmp_path):
    model = load(write(tmp_path, "albert"), ModelCard("local:x", "x", "", "local"))
    with pytest.raises(NoProjections, match="not known for a albert"):
        grams(model, run(model, "the cat sat on the mat"))
