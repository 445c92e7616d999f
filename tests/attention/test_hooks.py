from dataclasses import replace

import pytest
import torch
from worlds import layer, stream

from headscope.attention.hooks import SHAPES, hook_points, watching
from headscope.attention.terms import Terms
from headscope.errors import ShapeMismatch, UnknownHook

LAYER = {"d_model": 24, "heads": 4, "kv_heads": 2, "causal": True}
EVERY = sorted(SHAPES)


def collect(into):
    """A watcher that stores what it gets under the last part of its name."""
    return lambda name, x: into.__setitem__(name.rpartition(".")[2], x)


def test_every_hook_point_has_the_documented_shape():
    seen = {}
    ours = layer(**LAYER)
    with watching(ours, EVERY, collect(seen)):
        ours(stream())
    sizes = {"b": 2, "h": 4, "g": 2, "i": 9, "j": 9, "d": 6, "e": 6, "m": 24}
    assert isinstance(seen.pop("terms"), Terms)
    for name, x in seen.items():
        axes = SHAPES[name][1 : SHAPES[name].index("]")].split()
        assert list(x.shape) == [sizes[axis] for axis in axes], name


def test_the_results_of_all_heads_and_the_bias_sum_to_the_output():
    seen = {}
    ours = layer(**LAYER)
    plain = ours(stream())
    with watching(ours, "result", collect(seen)):
        output = ours(stream())
    torch.testing.assert_close(seen["result"].sum(1) + ours.project_out.bias, plain, atol=1e-10, rtol=0)
    torch.testing.assert_close(output, plain, atol=1e-10, rtol=0)


@pytest.mark.parametrize("name", ["q", "k", "v", "scores", "pattern", "z", "result"])
def test_an_edit_changes_the_output_and_ends_with_the_with_block(name):
    ours = layer(**LAYER)
    plain = ours(stream())
    with watching(ours, name, lambda _, x: x * torch.arange(x.shape[-1]) / 3):
        edited = ours(stream())
    assert (edited - plain).abs().max() > 1e-3
    assert torch.equal(ours(stream()), plain)


def test_setting_a_pattern_to_the_identity_makes_each_token_read_its_own_value():
    ours = layer(d_model=24, heads=4)
    with watching(ours, "pattern", lambda _, pattern: torch.eye(9, dtype=pattern.dtype).expand_as(pattern)):
        output = ours(stream())
    torch.testing.assert_close(output, ours.project_out(ours.project_v(stream())), atol=1e-10, rtol=0)


def test_zeroing_one_head_removes_its_result_from_the_output():
    seen = {}
    ours = layer(**LAYER)
    with watching(ours, "result", collect(seen)):
        whole = ours(stream())
    keep = torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64)[None, :, None, None]
    with watching(ours, "z", lambda _, z: z * keep):
        without = ours(stream())
    torch.testing.assert_close(whole - without, seen["result"][:, 1], atol=1e-10, rtol=0)


def test_hooks_are_removed_after_an_error():
    ours = layer(**LAYER)

    def fail(name, x):
        raise RuntimeError("from the watcher")

    with pytest.raises(RuntimeError, match="from the watcher"), watching(ours, "pattern", fail):
        ours(stream())
    assert not any(point.watched for point in hook_points(ours).values())
    ours(stream())


def test_an_unknown_name_is_refused_and_no_hook_stays():
    ours = layer(**LAYER)
    with pytest.raises(UnknownHook, match=r"queries.*pattern"), watching(ours, ["pattern", "queries"], print):
        pass
    assert not any(point.watched for point in hook_points(ours).values())


def test_a_torch_forward_hook_on_the_pattern_works_too():
    ours, seen = layer(**LAYER), []
    handle = ours.core.pattern.register_forward_hook(lambda _, __, x: seen.append(x))
    ours(stream())
    handle.remove()
    assert len(seen) == 1


def test_a_full_name_means_one_layer_and_a_short_name_all():
    both = torch.nn.ModuleList([layer(**LAYER), layer(**LAYER)])
    for names, wanted in (("1.core.z", {"1.core.z"}), ("z", {"0.core.z", "1.core.z"})):
        seen = {}
        with watching(both, names, seen.__setitem__):
            for part in both:
                part(stream())
        assert set(seen) == wanted


def test_an_edit_of_the_terms_is_another_scale_or_another_mask():
    ours = layer(**LAYER)
    plain = ours(stream())
    with watching(ours, "terms", lambda _, terms: replace(terms, scale=2 * terms.scale)):
        twice = ours(stream())
    with watching(ours, "q", lambda _, q: 2 * q):
        wanted = ours(stream())
    torch.testing.assert_close(twice, wanted, atol=1e-10, rtol=0)
    without = torch.ones(1, 1, 9, 9, dtype=torch.bool)
    without[..., 5, 3] = False  # query 5 does not see key 3
    with watching(ours, "terms", lambda _, terms: replace(terms, rule=terms.rule.and_mask(without))):
        cut = ours(stream())
    changed = (cut - plain).abs().amax((0, 2)) > 1e-9
    assert changed.tolist() == [position == 5 for position in range(9)]


@pytest.mark.parametrize("name", ["q", "scores", "pattern", "z", "result"])
def test_an_edit_of_another_shape_is_refused_with_both_shapes(name):
    ours = layer(**LAYER)
    with pytest.raises(ShapeMismatch, match=rf"{name} is \[.*\], the watcher returned \[.*\]"):  # noqa: SIM117 - two ideas
        with watching(ours, name, lambda _, x: x[..., :-1]):
            ours(stream())
