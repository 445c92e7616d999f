from dataclasses import replace

import pytest
from worlds import serving

from headscope.capture.capture import run
from headscope.capture.cost import Cost, bytes_kept, cost_of, numbers_kept, operations, pace_of
from headscope.records import LayerCard, ModelCard, StackCard
from headscope.settings import Settings

TEXT = "The cat sat on the mat. The dog ran."


def card_of(d_model, *layers):
    """A card with layers of (heads, kv_heads, head_dim) or (heads, kv_heads, head_dim, pair_bytes)."""
    stack = StackCard("self", tuple(LayerCard(number, *sizes) for number, sizes in enumerate(layers)), causal=True)
    return ModelCard("x", "x", "x", "local", d_model=d_model, stacks=(stack,))


GPT2 = card_of(768, *[(12, 12, 64)] * 12)


def test_a_capture_of_gpt2_holds_q_k_and_twelve_bytes_per_row():
    assert numbers_kept(GPT2, 1000) == (12 * 1000 * 64 * 24, 12 * 1000 * 12)
    assert bytes_kept(GPT2, 1000, "float32") == 12 * 1000 * (4 * 64 * 24 + 12 * 12)
    assert bytes_kept(GPT2, 1000, "float16") == 12 * 1000 * (2 * 64 * 24 + 12 * 12)


def test_a_mask_or_a_bias_that_is_a_square_counts_for_each_pair_of_tokens():
    squares, without = card_of(32, (2, 2, 4, 8.0), (2, 2, 4, 0.125)), card_of(32, (2, 2, 4), (2, 2, 4))
    assert bytes_kept(squares, 100, "float32") - bytes_kept(without, 100, "float32") == 81_250


def test_the_tables_of_a_bias_count_once_however_long_the_text_is():
    without = card_of(32, (2, 2, 4))
    tables = card_of(32, (2, 2, 4, 0.0, True, "content", None, 5000))
    assert [bytes_kept(tables, n, "float32") - bytes_kept(without, n, "float32") for n in (1, 100)] == [5000, 5000]
    limit = bytes_kept(tables, 70, "float32")
    costs = [
        cost_of(card, 9, 0, keep="float32", writes=False, limit=limit, seconds=None, max_tokens=999)
        for card in (tables, without)
    ]
    assert [cost.most_tokens for cost in costs] == [70, 70 + 5000 // 88]


def test_what_a_model_makes_for_all_pairs_of_tokens_counts_three_times_while_it_runs():
    plain = card_of(32, (2, 2, 4))
    known = {"keep": "float32", "writes": False, "limit": 1_000_000, "seconds": None, "max_tokens": 999}
    cost = cost_of(replace(plain, work_bytes=8.0), 100, 0, **known)
    assert (cost.working, cost.kept) == (3 * 8 * 100**2, cost.bytes + 3 * 8 * 100**2)
    # 88 bytes a token, and 24 a pair of tokens
    assert cost.most_tokens == 202
    assert 88 * 202 + 24 * 202**2 <= 1_000_000 < 88 * 203 + 24 * 203**2


def test_heads_that_share_keys_keep_fewer_of_them():
    assert numbers_kept(card_of(32, (4, 1, 8)), 10) == (10 * 8 * 5, 10 * 4)


def test_layers_may_differ_in_heads_and_those_without_attention_keep_nothing():
    assert numbers_kept(card_of(32, (4, 1, 8), (0, 0, 0), (2, 2, 4)), 10) == (10 * (8 * 5 + 4 * 4), 10 * 6)


@pytest.mark.parametrize("keep", ["float32", "float16"])
@pytest.mark.parametrize("model_id", ["local:bert", "local:gpt2"])
def test_the_estimated_memory_is_what_a_capture_takes(model_id, keep, loaded):
    capture = run(loaded(model_id), TEXT, keep=keep)
    assert bytes_kept(capture.card, len(capture.tokens), keep) == capture.bytes


def test_operations_grow_with_the_tokens_and_their_square():
    # 85 million weights in the blocks of GPT-2 small, twice for each token; 4 x 12 x 768 for each pair.
    assert operations(GPT2, 1) == pytest.approx(2 * 84_934_656 + 36_864)
    assert operations(GPT2, 2000) - 2000 * operations(GPT2, 1) == pytest.approx(36_864 * (2000**2 - 2000))


def test_most_tokens_is_the_smaller_of_what_fits_and_what_is_read():
    cost = Cost(tokens=100, bytes=1000, limit=250, seconds=None, max_tokens=30)
    assert (cost.fits, cost.most_tokens) == (False, 25)
    assert replace(cost, max_tokens=20).most_tokens == 20


def test_most_tokens_counts_what_grows_with_the_square():
    # 10 for each token and 2 for each pair: 30 tokens take 300 + 1,800.
    cost = Cost(tokens=10, bytes=300, limit=2100, seconds=None, max_tokens=99, squares=200)
    assert cost.most_tokens == 30
    assert replace(cost, limit=2099).most_tokens == 29
    assert replace(cost, text=800, events=1000).most_tokens == 10


@pytest.mark.fault(24)
def test_a_capture_that_would_not_fit_is_refused_before_it_is_run(settings, monkeypatch):
    def never(*_):
        raise AssertionError("the model was run")

    with serving(settings.model_copy(update={"max_capture_bytes": 5000})) as client:
        client.post("/api/v1/models/load", json={"model": settings.model})  # which captures a short text
        monkeypatch.setattr("headscope.capture.capture.forward", never)
        refused = client.post("/api/v1/captures", json={"text": TEXT})
        assert refused.status_code == 413
        detail = refused.json()["detail"]
        assert "HEADSCOPE_MAX_CAPTURE_BYTES is 5,000" in detail
        fitting = client.post("/api/v1/estimate", json={"text": TEXT}).json()
        assert f"shorten the text to {fitting['most_tokens']} tokens" in detail
        assert fitting["fits"] is False
        assert (fitting["limit"], fitting["seconds"]) == (5000, None)


def test_a_short_run_gives_no_estimate_of_speed():
    assert pace_of(operations(GPT2, 5), 1.0) == 0
    assert pace_of(operations(GPT2, 100), 2.0) == operations(GPT2, 100) / 2


def test_after_a_first_run_the_seconds_are_estimated(client, monkeypatch):
    monkeypatch.setattr("headscope.capture.cost.TELLING_OPERATIONS", 0)
    client.post("/api/v1/captures", json={"text": TEXT})
    short, long = (client.post("/api/v1/estimate", json={"text": text}).json() for text in ("the cat", TEXT))
    assert 0 < short["seconds"] < long["seconds"]
    assert short["bytes"] * long["tokens"] == long["bytes"] * short["tokens"]


def test_half_precision_needs_half_the_memory_and_changes_weights_little(loaded):
    model = loaded("gpt2-mini")
    exact, half = (run(model, TEXT, keep=keep) for keep in ("float32", "float16"))
    assert half.bytes < 0.53 * exact.bytes
    assert half.id != exact.id
    every, whole = range(exact.heads), range(len(exact.tokens))
    errors = [
        (narrow.block(every, whole, whole) - wide.block(every, whole, whole)).abs().max().item()
        for narrow, wide in zip(half.layers, exact.layers, strict=True)
    ]
    # A float16 has 11 bits: scores of up to 100 are off by about 100 * 2**-11 of their weight at worst.
    assert 0 < max(errors) < 0.02
    assert half.layers[0].lse.dtype == exact.layers[0].lse.dtype


def test_the_setting_reaches_the_captures(settings):
    with serving(settings.model_copy(update={"capture_dtype": "float16"})) as client:
        estimate = client.post("/api/v1/estimate", json={"text": TEXT}).json()
        capture = client.post("/api/v1/captures", json={"text": TEXT}).json()
    assert capture["bytes"] == estimate["bytes"]
    wide = Settings().capture_dtype
    assert wide == "float32"
