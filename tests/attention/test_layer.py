import pytest
import torch
from worlds import layer, stream

from headscope.attention.config import AttentionConfig, QueryKeyNorm
from headscope.attention.hooks import watching
from headscope.attention.norm import RMSNorm
from headscope.attention.rope import Rotary
from headscope.attention.rules import full
from headscope.errors import ShapeMismatch

TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


def torch_twin(ours):
    """torch.nn.MultiheadAttention with our weights."""
    config = ours.config
    twin = torch.nn.MultiheadAttention(
        config.d_model,
        config.heads,
        bias=bool(config.bias),
        kdim=config.d_source,
        vdim=config.d_source,
        batch_first=True,
    ).to(ours.project_q.weight.dtype)
    parts = [ours.project_q, ours.project_k, ours.project_v]
    with torch.no_grad():
        if config.d_source == config.d_model:
            twin.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        else:
            for name, part in zip(("q", "k", "v"), parts, strict=True):
                getattr(twin, f"{name}_proj_weight").copy_(part.weight)
        twin.out_proj.weight.copy_(ours.project_out.weight)
        if config.bias:
            twin.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
            twin.out_proj.bias.copy_(ours.project_out.bias)
    return twin


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("padded", [True, False])
def test_self_attention_equals_torchs(dtype, bias, causal, padded):
    ours, x = layer(dtype=dtype, causal=causal, bias=bias), stream(dtype=dtype)
    padding = torch.arange(9)[None] < torch.tensor([[9], [6]]) if padded else None
    future = torch.ones(9, 9, dtype=torch.bool).triu(1) if causal else None
    hidden = None if padding is None else ~padding  # torch's polarity here: True = may not look
    wanted, weights = torch_twin(ours)(x, x, x, key_padding_mask=hidden, attn_mask=future, average_attn_weights=False)
    seen = []
    with watching(ours, "pattern", lambda _, pattern: seen.append(pattern)):
        explicit = ours(x, padding=padding)
    for output in (explicit, ours(x, padding=padding)):
        torch.testing.assert_close(output, wanted, atol=TOLERANCE[dtype], rtol=0)
    torch.testing.assert_close(seen[0], weights, atol=TOLERANCE[dtype], rtol=0)


def test_cross_attention_equals_torchs():
    ours, x, source = layer(d_source=10), stream(), stream(length=5, width=10)
    wanted, _ = torch_twin(ours)(x, source, source)
    torch.testing.assert_close(ours(x, source), wanted, atol=1e-10, rtol=0)


def test_grouped_query_is_multi_head_with_its_keys_and_values_repeated():
    few, many = layer(kv_heads=2), layer(kv_heads=4)
    with torch.no_grad():
        for name in ("project_q", "project_out"):
            getattr(many, name).load_state_dict(getattr(few, name).state_dict())
        for name in ("project_k", "project_v"):
            for kind in ("weight", "bias"):
                narrow = getattr(getattr(few, name), kind)
                wide = narrow.unflatten(0, (2, 6)).repeat_interleave(2, 0).flatten(0, 1)
                getattr(getattr(many, name), kind).copy_(wide)
    torch.testing.assert_close(few(stream()), many(stream()), atol=1e-10, rtol=0)


def test_gradients_reach_every_parameter():
    ours = layer(d_model=8, heads=2, kv_heads=1, causal=True)
    assert torch.autograd.gradcheck(ours, (stream(1, 4, 8).requires_grad_(),))
    ours(stream(1, 4, 8)).sum().backward()
    assert all(parameter.grad is not None for parameter in ours.parameters())


@pytest.mark.parametrize(("x", "source"), [((2, 9, 23), None), ((9, 24), None), ((2, 9, 24), (3, 9, 24))])
def test_a_stream_of_another_width_is_refused_with_both_shapes(x, source):
    with pytest.raises(ShapeMismatch, match=r"24\]") as error:
        layer()(
            torch.zeros(x, dtype=torch.float64), None if source is None else torch.zeros(source, dtype=torch.float64)
        )
    assert str(list(source or x)) in str(error.value)


@pytest.mark.parametrize(("sizes", "said"), [((24, 5), "24.*5"), ((24, 0), "0 heads")])
def test_sizes_that_do_not_divide_are_refused(sizes, said):
    with pytest.raises(ShapeMismatch, match=said):
        AttentionConfig.of(*sizes)


def test_key_value_heads_must_divide_the_heads():
    with pytest.raises(ShapeMismatch, match="4 heads do not divide into 3"):
        AttentionConfig.of(24, 4, kv_heads=3)


def test_queries_and_keys_of_each_head_are_normalised():
    ours = layer(norm=QueryKeyNorm("head", 1e-6, offset=1.0))
    seen = {}
    with watching(ours, ("q", "k"), lambda name, x: seen.update({name: x})):
        ours(stream())
    for name, weight in (("core.q", ours.norm_q.weight), ("core.k", ours.norm_k.weight)):
        unit = seen[name] / (1 + weight)
        torch.testing.assert_close(unit.square().mean(-1), torch.ones(2, 4, 9).double(), atol=1e-3, rtol=0)


def test_queries_and_keys_are_normalised_over_all_heads_together():
    ours, seen = layer(kv_heads=2, norm=QueryKeyNorm("width", 1e-6)), {}
    with watching(ours, ("q", "k"), lambda name, x: seen.update({name: x})):
        ours(stream())
    for name, weight in (("core.q", ours.norm_q.weight), ("core.k", ours.norm_k.weight)):
        unit = seen[name].transpose(1, 2).flatten(-2) / weight
        torch.testing.assert_close(unit.square().mean(-1), torch.ones(2, 9).double(), atol=1e-3, rtol=0)


def test_the_norm_equals_torchs():
    ours, x = RMSNorm(24, 1e-5).double(), stream()
    torch.nn.init.normal_(ours.weight, generator=torch.Generator().manual_seed(0))
    wanted = torch.nn.functional.rms_norm(x, (24,), ours.weight, 1e-5)
    torch.testing.assert_close(ours(x), wanted, atol=1e-12, rtol=0)


def test_scores_are_capped():
    seen, ours = [], layer(softcap=0.5)
    with watching(ours, "scores", lambda _, scores: seen.append(scores)):
        ours(stream())
    assert 0.4 < seen[0].abs().max() <= 0.5


def test_rows_with_a_sink_sum_to_less_than_one():
    seen, ours = [], layer(sinks=True)
    with watching(ours, ("pattern", "lse"), lambda _, x: seen.append(x)):
        ours(stream())
    pattern, lse = seen
    wanted = 1 / (1 + (ours.sinks[:, None] - lse).exp())
    torch.testing.assert_close(pattern.sum(-1), wanted, atol=1e-10, rtol=0)


@pytest.mark.parametrize("bias", [(), ("q", "k", "v"), ("out",), ("q", "k", "v", "out")])
def test_the_projections_that_are_named_have_a_bias(bias):
    ours = layer(bias=bias)
    assert {name for name in ("q", "k", "v", "out") if getattr(ours, f"project_{name}").bias is not None} == set(bias)


def test_a_given_rule_replaces_that_of_the_config():
    ours, x = layer(causal=True), stream()
    torch.testing.assert_close(ours(x, rule=full(9, 9)), layer(causal=False)(x), atol=1e-10, rtol=0)


def test_given_angles_replace_those_of_the_positions():
    ours, x = layer(rotary=Rotary(4)), stream()
    later = ours.config.rotary.turns(torch.arange(9)[None] + 100)
    torch.testing.assert_close(ours(x, turns=later), ours(x), atol=1e-10, rtol=0)
    assert (ours(x, turns=ours.config.rotary.turns(torch.zeros(1, 9))) - ours(x)).abs().max() > 1e-3


def test_a_rotary_width_above_that_of_a_head_is_refused():
    with pytest.raises(ShapeMismatch, match="rotary width 8 is more than head_dim 6"):
        AttentionConfig.of(24, 4, rotary=Rotary(8))
