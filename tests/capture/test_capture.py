import pytest
import torch
from worlds import CountedProgress

from headscope.attention.hooks import watching
from headscope.attention.rules import full
from headscope.capture.capture import capture_id, run
from headscope.capture.certificate import certify
from headscope.capture.passes import forward
from headscope.errors import ClientsGone, ModelOutputInvalid, TooManyTokens
from headscope.records import Prompt

TEXT = "The cat sat on the mat. The dog ran."
MODELS = ["local:bert", "local:gpt2"]


def explicit_patterns(model, text):
    """Every layer's pattern [h i j] by the explicit path."""
    seen = []
    with torch.inference_mode(), watching(model.adopted.model, "pattern", lambda _, pattern: seen.append(pattern[0])):
        forward(model, model.tokens(text)[0])
    return seen


@pytest.mark.parametrize("model_id", MODELS)
def test_a_capture_gives_the_patterns_of_the_explicit_path(model_id, loaded):
    model = loaded(model_id)
    capture = run(model, TEXT)
    every, whole = range(capture.heads), range(len(capture.tokens))
    for layer, pattern in zip(capture.layers, explicit_patterns(model, TEXT), strict=True):
        torch.testing.assert_close(layer.block(every, whole, whole), pattern, atol=1e-5, rtol=0)


def test_no_pattern_is_kept_or_computed(loaded, monkeypatch):
    monkeypatch.setattr("headscope.attention.kernels.dot", None)
    capture = run(loaded("local:gpt2"), TEXT)
    tokens, heads, width = len(capture.tokens), 4, 6
    # 3 layers; q, k and lse in float32, exact_lse in float64
    assert capture.bytes == 3 * heads * tokens * (4 * (2 * width + 1) + 8)


def test_a_sentence_pair_is_run_with_its_segments(loaded):
    model = loaded("local:bert")
    pair, joined = run(model, Prompt("the cat", "a dog")), run(model, "the cat [SEP] a dog")
    assert [token.id for token in pair.tokens] == [token.id for token in joined.tokens]
    assert (pair.layers[0].q - joined.layers[0].q).abs().max() > 1e-3


def test_the_id_depends_on_model_revision_and_texts(loaded):
    card = loaded("local:gpt2").card
    ids = {
        capture_id(card, Prompt("a")),
        capture_id(card, Prompt("b")),
        capture_id(card, Prompt("a", "b")),
        capture_id(loaded("local:bert").card, Prompt("a")),
    }
    assert len(ids) == 4
    assert capture_id(card, Prompt("a")) == run(loaded("local:gpt2"), "a").id


def test_more_tokens_than_positions_are_refused_with_both_numbers(loaded):
    with pytest.raises(TooManyTokens, match=r"has 4\d tokens, .*at most 40:"):
        run(loaded("local:bert"), "cat " * 41)
    with pytest.raises(TooManyTokens, match="at most 5"):
        run(loaded("local:bert"), TEXT, max_tokens=5)


def test_as_many_tokens_as_positions_run(loaded):
    assert len(run(loaded("local:bert"), "cat " * 38).tokens) == 40


def test_one_token_attends_to_itself(loaded):
    capture = run(loaded("local:gpt2"), "a")
    assert capture.layers[0].block(range(4), range(1), range(1)).flatten().tolist() == pytest.approx([1.0] * 4)


@pytest.mark.fault(18)
def test_weights_that_overflow_are_refused_by_layer_and_head(fresh):
    model = fresh("local:gpt2")
    with torch.no_grad():
        model.adopted.layers[1].project_q.weight[6:12] = torch.nan  # head 1 of four of width 6
    with pytest.raises(ModelOutputInvalid, match="layer 1, head 1"):
        run(model, TEXT)


@pytest.mark.fault(18)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("size", [1e5, 3e19])
def test_scores_that_float32_cannot_tell_apart_are_refused(fresh, size, sign):
    """With 3e19, q . k overflows to an infinity that the log-sum-exp does not show if it is negative."""
    model = fresh("local:gpt2")
    layer = model.adopted.layers[1]
    with torch.no_grad():
        for projection, value in ((layer.project_q, size), (layer.project_k, sign * size)):
            projection.weight[6:12], projection.bias[6:12] = 0, value
    with pytest.raises(ModelOutputInvalid, match="layer 1, head 1"):
        run(model, TEXT)


@pytest.mark.parametrize("model_id", [*MODELS, "minilm", "gpt2-mini"])
def test_the_certificate_of_this_text_is_within_1e_5(model_id, loaded):
    model = loaded(model_id)
    certificate = certify(model, run(model, TEXT))
    assert len(certificate.max_abs_error) == model.card.layers
    assert 0 < max(certificate.max_abs_error) <= 1e-5
    assert certificate.max_row_sum_error <= 1e-5
    assert certificate.causal_leak == (0 if model.card.causal else None)
    assert "eager" in certificate.reference


def test_the_certificate_shows_a_layer_that_looks_ahead(fresh):
    model = fresh("local:gpt2")
    capture = run(model, TEXT)

    def look_ahead(_, args, options):
        length = args[0].shape[1]
        return args, {**options, "rule": full(length, length)}

    model.adopted.layers[0].register_forward_pre_hook(look_ahead, with_kwargs=True)
    assert certify(model, capture).causal_leak > 1e-3


@pytest.mark.parametrize("layer", [0, 2, 4])
def test_a_certificate_can_be_stopped_at_each_layer_and_leaves_the_model_unchanged(loaded, layer):
    model = loaded("local:gpt2")
    before = run(model, TEXT)
    with pytest.raises(ClientsGone):
        certify(model, before, CountedProgress(stop_at=layer))
    assert torch.equal(run(model, TEXT).layers[2].q, before.layers[2].q)


def test_the_certificate_of_one_token_has_no_leak(loaded):
    model = loaded("local:gpt2")
    assert certify(model, run(model, "a")).causal_leak == 0


def test_the_certificate_shows_a_wrong_weight(fresh):
    model = fresh("local:gpt2")
    with torch.no_grad():
        model.adopted.layers[2].project_k.bias = torch.nn.Parameter(torch.ones(24))
        model.adopted.layers[2].project_q.bias = torch.nn.Parameter(torch.zeros(24))
    errors = certify(model, run(model, TEXT)).max_abs_error
    assert max(errors[:2]) <= 1e-5
    assert errors[2] > 1e-3


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("model_id", MODELS)
def test_a_model_in_half_precision_is_captured_with_a_float32_softmax(model_id, dtype, fresh):
    model = fresh(model_id)
    model.adopted.model.to(dtype)
    capture = run(model, TEXT)
    every, whole = range(capture.heads), range(len(capture.tokens))
    for layer, explicit in zip(capture.layers, explicit_patterns(model, TEXT), strict=True):
        assert (layer.q.dtype, layer.lse.dtype) == (dtype, torch.float32)
        pattern = layer.block(every, whole, whole)
        assert pattern.dtype == explicit.dtype == torch.float32
        torch.testing.assert_close(pattern.sum(-1), torch.ones(pattern.shape[:2]), atol=1e-6, rtol=0)
        # The explicit and the fused path round z differently, and later layers with it.
        torch.testing.assert_close(pattern, explicit, atol=0.05, rtol=0)
    first = capture.layers[0].block(every, whole, whole)
    torch.testing.assert_close(first, explicit_patterns(model, TEXT)[0], atol=1e-5, rtol=0)
