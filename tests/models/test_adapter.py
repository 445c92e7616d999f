import pytest
import torch
from transformers import BertForMaskedLM, BertModel, GPT2LMHeadModel
from worlds import randomise, tiny_bert, tiny_gpt2

from headscope.attention.hooks import hook_points
from headscope.errors import UnsupportedModel, WeightsDoNotFit
from headscope.models.adapter import adopt
from headscope.models.bert import BERT
from headscope.models.gpt2 import GPT2


def test_weights_are_shared_not_copied():
    for model, adapter in ((GPT2LMHeadModel(tiny_gpt2()), GPT2), (BertModel(tiny_bert()), BERT)):
        before = {p.untyped_storage().data_ptr() for p in model.parameters()}
        adopted = adopt(model, adapter)
        assert {p.untyped_storage().data_ptr() for p in adopted.model.parameters()} == before


def test_every_attention_module_is_replaced():
    adopted = adopt(GPT2LMHeadModel(tiny_gpt2()), GPT2)
    names = {type(module).__name__ for module in adopted.model.modules()}
    assert "MultiHeadAttention" in names
    assert "GPT2Attention" not in names
    assert "transformer.h.2.attn.attention.core.pattern" in hook_points(adopted.model)


def test_the_scale_of_a_layer_follows_the_config():
    plain, by_layer, unscaled = (
        [GPT2.sizes(tiny_gpt2(**changes), layer).scale for layer in range(3)]
        for changes in ({}, {"scale_attn_by_inverse_layer_idx": True}, {"scale_attn_weights": False})
    )
    assert plain == pytest.approx([6**-0.5] * 3)
    assert by_layer == pytest.approx([6**-0.5, 6**-0.5 / 2, 6**-0.5 / 3])
    assert unscaled == [1.0] * 3


@pytest.mark.parametrize("use_cache", [False, True])
def test_a_model_with_replaced_attention_generates_the_same_tokens(use_cache):
    torch.manual_seed(0)
    theirs = randomise(GPT2LMHeadModel(tiny_gpt2()))
    ids = torch.tensor([[5, 6, 7]])
    options = {"attention_mask": torch.ones_like(ids), "max_new_tokens": 6, "do_sample": False}
    wanted = theirs.eval().generate(ids, **options)
    assert torch.equal(adopt(theirs, GPT2).model.generate(ids, use_cache=use_cache, **options), wanted)


def test_a_model_with_replaced_attention_predicts_masked_tokens():
    model = randomise(BertForMaskedLM(tiny_bert())).eval()
    ids = torch.tensor([[2, 9, 4, 11, 3]])
    with torch.no_grad():
        wanted = model(ids).logits
        torch.testing.assert_close(adopt(model, BERT).model(ids).logits, wanted, atol=1e-5, rtol=0)


def test_our_layers_are_back_after_an_error_with_the_original_modules():
    adopted = adopt(GPT2LMHeadModel(tiny_gpt2()), GPT2)

    def fail(model):
        assert not hook_points(model)
        raise RuntimeError("within")

    with pytest.raises(RuntimeError, match="within"), adopted.as_hugging_face() as model:
        fail(model)
    assert hook_points(adopted.model)
    assert adopted.model.config._attn_implementation == "sdpa"


def test_cross_attention_is_refused_and_not_ignored():
    adopted = adopt(GPT2LMHeadModel(tiny_gpt2()), GPT2)
    with pytest.raises(UnsupportedModel, match="cross-attention is not supported in this layer"):
        adopted.model.transformer.h[0].attn(torch.ones(1, 2, 24), encoder_hidden_states=torch.ones(1, 3, 24))


def test_an_unknown_attention_weight_is_refused():
    model = GPT2LMHeadModel(tiny_gpt2())
    model.transformer.h[1].attn.q_norm = torch.nn.LayerNorm(6)
    with pytest.raises(WeightsDoNotFit, match=r"q_norm\.weight"):
        adopt(model, GPT2)


def test_a_missing_attention_weight_is_refused():
    model = BertModel(tiny_bert())
    model.encoder.layer[2].attention.self.key.bias = None
    with pytest.raises(WeightsDoNotFit, match=r"key\.bias"):
        adopt(model, BERT)


def test_an_attention_weight_of_another_shape_is_refused():
    model = BertModel(tiny_bert())
    model.encoder.layer[0].attention.self.key = torch.nn.Linear(24, 20)
    with pytest.raises(WeightsDoNotFit, match=r"\[20, 24\].*\[24, 24\]"):
        adopt(model, BERT)
