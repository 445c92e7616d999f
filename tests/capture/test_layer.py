"""A captured layer: rows sum to 1, whichever window of them is read first."""

from dataclasses import replace

import pytest
import torch

from headscope.attention.bias import ByDistance
from headscope.attention.fused import attend_fused
from headscope.attention.rules import banded, causal, full
from headscope.attention.terms import Terms
from headscope.capture import layer as captured
from headscope.capture.capture import run
from headscope.capture.certificate import certify
from headscope.capture.layer import LayerCapture
from headscope.capture.pooling import pooled
from headscope.capture.windows import thumbnails, window
from headscope.records import Prompt

HEADS, SIZE, WIDTH = 4, 60, 8


def unread(lse):
    return torch.full_like(lse, torch.nan, dtype=torch.float64)


def layer_of(scale=1.0, dtype=torch.float32, kv_heads=HEADS, rule=full, **more):
    """Random queries and keys, with the log-sum-exp of the attention kernel."""
    generator = torch.Generator().manual_seed(0)
    q, k = (
        torch.randn(1, heads, SIZE, WIDTH, generator=generator, dtype=dtype) * scale**0.5 for heads in (HEADS, kv_heads)
    )
    terms = Terms(rule(SIZE, SIZE), WIDTH**-0.5, **more)
    _, lse = attend_fused(q, k, k, terms)
    return LayerCapture(q[0], k[0], lse[0], unread(lse[0]), terms)


def window_of_five(queries, keys):
    return banded(queries, keys, before=4, after=0)


KINDS = {
    "everything": {},
    "causal": {"rule": causal},
    "grouped-query": {"rule": causal, "kv_heads": 2},
    "window": {"rule": window_of_five},
    "cap": {"rule": causal, "softcap": 30.0},
    "bias": {"bias": ByDistance(torch.linspace(-1, 1, HEADS * (2 * SIZE - 1)).view(HEADS, -1), SIZE)},
}
whole = range(SIZE)


def test_before_it_is_normalised_a_row_misses_one_by_more_than_asked_for():
    raw = layer_of(1e3).block(range(HEADS), whole, whole, normalised=False)
    assert (raw.sum(-1) - 1).abs().max() > 1e-5


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4, 1e5])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_sum_to_one_and_no_weight_exceeds_one(kind, scale):
    pattern = layer_of(scale, **KINDS[kind]).block(range(HEADS), whole, whole)
    torch.testing.assert_close(pattern.sum(-1), torch.ones(HEADS, SIZE), atol=1e-6, rtol=0)
    assert pattern.max() <= 1 + 1e-6


@pytest.mark.parametrize("heads", [range(HEADS), range(1, 2)], ids=["all heads", "one head"])
def test_the_weights_of_a_row_and_of_its_sink_sum_to_one_whichever_window_is_read_first(heads):
    sinks = torch.tensor([-1.0, 0.5, 2.0, 9.0])
    layer = layer_of(10.0, rule=causal, sinks=sinks)
    part = layer.block(heads, range(20, 30), range(5))
    rows = layer.block(heads, whole, whole)
    total = layer.terms.with_sinks(layer.exact_lse)[heads.start : heads.stop]
    of_sinks = (sinks[heads.start : heads.stop, None] - total).exp()
    torch.testing.assert_close(rows.sum(-1) + of_sinks.float(), torch.ones(len(heads), SIZE), atol=1e-6, rtol=0)
    assert torch.equal(part, rows[:, 20:30, :5])
    assert 0.5 < of_sinks.max() < 1


@pytest.mark.parametrize("size", [1e4, 1e6, 1e8])
def test_tied_scores_share_the_weight(size):
    terms = Terms(full(40, 40), 1.0)
    q, k = torch.full((1, 40, 1), size), torch.full((1, 40, 1), -1.0)
    _, lse = attend_fused(q[None], k[None], k[None], terms)
    layer = LayerCapture(q, k, lse[0], unread(lse[0]), terms)
    pattern = layer.block(range(1), range(40), range(40))
    torch.testing.assert_close(pattern, torch.full_like(pattern, 1 / 40), atol=1e-7, rtol=0)


BEFORE = {
    "nothing": None,
    "everything": (range(HEADS), whole),
    "one head": (range(1), range(10, 40)),
    "one row": (range(HEADS), range(29, 30)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4, 1e5])
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("kind", KINDS)
def test_rows_sum_to_one_in_windows_of_any_shape_whatever_was_read_before(kind, before, scale, dtype):
    layer = layer_of(scale, **KINDS[kind])
    layer = replace(layer, q=layer.q.to(dtype), k=layer.k.to(dtype))
    if BEFORE[before]:
        layer.block(*BEFORE[before], whole)
    for heads in (range(HEADS), range(1)):
        for rows in (range(1), range(17, 18), range(20, 23), range(5, 60), whole):
            pattern = layer.block(heads, rows, whole)
            torch.testing.assert_close(pattern.sum(-1), torch.ones(len(heads), len(rows)), atol=1e-6, rtol=0)
            assert pattern.max() <= 1 + 1e-6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("columns", [range(3), range(20, 30), range(50, 60)], ids=str)
@pytest.mark.parametrize("rows", [range(1), range(17, 40), range(59, 60)], ids=str)
def test_a_window_that_is_read_first_is_that_part_of_the_whole(rows, columns, kind):
    wanted = layer_of(10.0, **KINDS[kind]).block(range(HEADS), whole, whole)
    for heads in (range(HEADS), range(1)):
        window = layer_of(10.0, **KINDS[kind]).block(heads, rows, columns)
        part = wanted[heads.start : heads.stop, rows.start : rows.stop, columns.start : columns.stop]
        torch.testing.assert_close(window, part, atol=1e-6, rtol=0)


def test_the_largest_of_several_weights_is_normalised_too():
    layer = layer_of(1e3)
    logarithms = layer.block(range(HEADS), whole, range(10, 50), "log_pattern")
    torch.testing.assert_close(logarithms.exp(), layer.block(range(HEADS), whole, range(10, 50)), atol=1e-6, rtol=0)


def test_a_row_is_computed_whole_once_and_later_windows_cost_their_own_cells(monkeypatch):
    computed = []

    def log_pattern_window(q, k, lse, rows, columns, terms):
        computed.append(len(rows) * len(columns))
        return original(q, k, lse, rows, columns, terms)

    original = captured.log_pattern_window
    monkeypatch.setattr(captured, "log_pattern_window", log_pattern_window)
    layer, head = layer_of(), range(1, 2)
    layer.block(head, range(10, 30), range(5, 15))
    assert computed == [20 * SIZE, 200]
    layer.block(head, range(15, 25), range(30, 40))
    assert computed[2:] == [100]
    layer.block(head, range(25, 35), range(10))  # five of these rows are new
    assert computed[3:] == [5 * SIZE, 100]
    layer.block(head, whole, whole)  # holds whole rows: nothing beside them is computed
    assert computed[5:] == [SIZE * SIZE]


def test_rows_are_normalised_a_block_at_a_time(monkeypatch):
    monkeypatch.setattr(captured, "WEIGHTS_PER_BLOCK", 7 * SIZE)
    wanted = layer_of(10.0).block(range(1), whole, whole)
    window = layer_of(10.0).block(range(1), whole, range(3, 9))
    torch.testing.assert_close(window, wanted[..., 3:9], atol=1e-6, rtol=0)


def test_thumbnails_of_a_running_model_do_not_wait_for_it():
    layer = layer_of()
    thumbnails(layer, 10)
    assert layer.exact_lse.isnan().all()


def test_what_is_kept_in_half_precision_sums_to_one_as_well():
    layer = layer_of(10.0)
    half = replace(layer, q=layer.q.half(), k=layer.k.half())
    pattern = half.block(range(HEADS), whole, whole)
    assert pattern.dtype == torch.float32
    torch.testing.assert_close(pattern.sum(-1), torch.ones(HEADS, SIZE), atol=1e-6, rtol=0)


WORDS = "the old bird spoke to a white horse near the river and nobody in the village heard what it said that night "


@pytest.mark.parametrize("tokens", [1, 60, 511, 512])
@pytest.mark.parametrize("model_id", ["minilm", "gpt2-mini"])
def test_the_bundled_models_agree_with_eager_attention_at_every_length(model_id, tokens, loaded):
    model = loaded(model_id)
    text = "cat" if tokens == 1 else WORDS * 40
    capture = run(model, Prompt(text, truncate=True), max_tokens=max(tokens, 3))
    assert len(capture.tokens) == tokens or tokens == 1
    certificate = certify(model, capture)
    assert max(certificate.max_abs_error) <= 1e-5
    assert certificate.max_row_sum_error <= 1e-6
    every, rows = range(capture.heads), range(len(capture.tokens))
    assert max(layer.block(every, rows, rows).max().item() for layer in capture.layers) <= 1 + 1e-6


def test_a_pooled_cell_on_the_diagonal_has_the_largest_bias_that_is_not_masked():
    values = -1 - torch.arange(2.0 * SIZE - 1).repeat(HEADS, 1)  # all of them are negative
    layer = layer_of(rule=causal, bias=ByDistance(values, SIZE))
    every = layer.block(range(1), whole, whole, "bias")[0]
    assert every[0, 1] == 0  # masked
    half = -(-SIZE // 2)
    pooled_cells = pooled(layer, range(1), window(SIZE, None, None, 2), "max", "bias")[0]
    # A later key is farther to the right in `values`, and smaller: the largest is that of the first key.
    assert pooled_cells.tolist() == [
        [every[half - 1, 0].item(), 0.0],
        [every[SIZE - 1, 0].item(), every[SIZE - 1, half].item()],
    ]
