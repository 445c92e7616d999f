"""Model types that ask for attention in a way of their own, compared with eager attention."""

import pytest
import torch
from transformers import GPT2Config, GPT2Model, PaliGemmaConfig, ViTConfig, ViTModel

from benchmarks.tiny_types import tiny
from headscope.attention.hooks import watching
from headscope.capture.admission import admit
from headscope.errors import UnsupportedModel
from headscope.models.adopting import adopt_by_interface, adopt_without_table
from headscope.models.interface.attention import NAME
from headscope.models.loading import LoadedModel
from headscope.models.short_run import special_tokens
from headscope.records import ModelCard


def loaded(model, adopt=adopt_by_interface):
    adopted = adopt(model)
    card = ModelCard("tiny", "", model.config.model_type, "local", stacks=adopted.stacks(), d_model=32)
    return LoadedModel(card, adopted, tokenizer=None)


def terms_of(model, length=24):
    seen = []
    with watching(model.adopted.model, "terms", lambda _, terms: seen.append(terms)), torch.inference_mode():
        model.adopted.run(torch.arange(3, 3 + length)[None])
    return seen


def test_a_model_that_chooses_the_keys_of_each_query_has_a_mask_of_bits():
    model = admit(loaded(tiny("deepseek_v32")))
    assert max(model.card.certificate.max_abs_error) <= 1e-5
    for terms in terms_of(model):
        keys = terms.rule.whole()[0, 0].sum(-1)
        assert keys.tolist() == [1] + [2] * 23  # index_topk is 2


def test_a_model_that_chooses_blocks_of_keys_has_a_mask_for_each_head():
    model = admit(loaded(tiny("minimax_m3_vl_text")))
    assert max(model.card.certificate.max_abs_error) <= 1e-5
    last = terms_of(model)[0].rule.whole()[0, :, -1]
    assert last.shape == (4, 24)
    assert last.sum(-1).tolist() == [8] * 4  # two blocks of four keys
    assert not torch.equal(last[0], last[3])


def test_sinks_can_differ_from_query_to_query():
    model = admit(loaded(tiny("inkling2_text")))
    assert max(model.card.certificate.max_abs_error) <= 1e-5
    assert {tuple(terms.sinks.shape) for terms in terms_of(model)} == {(1, 4, 24)}


def test_a_model_that_reads_places_on_a_page_gets_none():
    model = admit(loaded(tiny("bros"), adopt_without_table))
    assert max(model.card.certificate.max_abs_error) <= 1e-5


def test_a_part_of_a_model_without_the_interface_keeps_its_attention():
    model = admit(loaded(tiny("got_ocr2")))
    hugging_face = model.adopted.model
    assert max(model.card.certificate.max_abs_error) <= 1e-5
    assert hugging_face.language_model.config._attn_implementation == NAME
    assert hugging_face.vision_tower.config._attn_implementation == "eager"


def test_tokens_that_a_configuration_names_at_any_depth_are_special():
    config = PaliGemmaConfig(image_token_id=5, text_config={"model_type": "gemma", "eos_token_id": [7, 8]})
    assert {5, 7, 8, config.text_config.bos_token_id} <= special_tokens(config)


def test_a_model_with_minus_one_position_has_no_limit():
    model = tiny("bert")
    model.config.max_position_embeddings = -1  # as XLNet writes it
    assert len(adopt_by_interface(model).attention) == 2


def test_a_model_that_reads_no_tokens_is_refused_with_the_reason():
    model = ViTModel(ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8))
    with pytest.raises(UnsupportedModel, match="a vit cannot be run on tokens alone: "):
        adopt_without_table(model)


def test_a_model_whose_eager_attention_takes_another_way_is_refused():
    config = GPT2Config(
        vocab_size=64, n_positions=64, n_embd=32, n_layer=2, n_head=4, attn_implementation="eager",
        reorder_and_upcast_attn=True, eos_token_id=0, bos_token_id=0,
    )  # fmt: skip
    with pytest.raises(UnsupportedModel, match="computes 0 patterns, and this model calls attention 2 times"):
        admit(loaded(GPT2Model(config)))
