"""Files as transformers saves them for types that rename weights, keep integers, or have parts that read no text."""

import json

import pytest
import torch
import transformers
from model_files import change_weights

from benchmarks.tiny_types import small_config, tiny
from benchmarks.workers.one_type import write
from headscope.capture.admission import admit
from headscope.errors import CorruptModel, UnsupportedModel, WeightsDoNotFit
from headscope.models.heads import WITH_IMAGES
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")


def folder_of(folder, name):
    write(tiny(name), folder)
    return folder


@pytest.mark.parametrize(
    "name",
    ["bros", "lfm3_vl", "llama4", "minimax", "molmo2_text", "qwen3_5", "seamless_m4t", "t5gemma2"],
)
def test_a_saved_model_is_loaded_and_its_attention_is_exact(tmp_path, name):
    card = admit(load(folder_of(tmp_path, name), CARD)).card
    assert card.family == name
    assert max(card.certificate.max_abs_error) < 1e-5


@pytest.mark.parametrize(
    ("name", "kind", "prediction"),
    [
        ("gpt_neox", "GPTNeoXForCausalLM", "next_token"),
        ("internlm3", "LlamaForCausalLM", "next_token"),
        ("iquestcoder", "LlamaForCausalLM", "next_token"),
        ("ultrabert", "UltrabertForMaskedLM", "masked_token"),
    ],
)
def test_a_head_that_is_saved_under_another_name_or_shared_by_types_is_kept(tmp_path, name, kind, prediction):
    write(getattr(transformers, kind)(small_config(name)), tmp_path)
    card = load(tmp_path, CARD).card
    assert (card.prediction, card.ignored) == (prediction, ())


@pytest.mark.parametrize("name", ["aria", "llava", "minimax_m3_vl", "mistral3", "qwen3_vl"])
def test_the_head_of_a_model_that_also_reads_images_is_kept(tmp_path, name):
    write(getattr(transformers, WITH_IMAGES[name])(small_config(name)), tmp_path)
    card = admit(load(tmp_path, CARD)).card
    assert (card.prediction, card.ignored) == ("next_token", ())
    assert max(card.certificate.max_abs_error) < 1e-5


@pytest.mark.parametrize("name", ["llava", "qwen3_vl"])
def test_without_a_head_such_a_model_is_loaded_also_if_its_class_is_not_named(tmp_path, name):
    folder = folder_of(tmp_path, name)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": None, "tie_word_embeddings": False}))
    assert load(folder, CARD).card.prediction == "none"


def test_weights_of_a_part_that_reads_no_text_are_ignored(tmp_path):
    card = load(folder_of(tmp_path, "seamless_m4t"), CARD).card
    assert card.prediction == "next_token"
    assert any(name.startswith("speech_encoder.") for name in card.ignored)


def test_a_weight_that_no_part_has_is_refused_by_its_name(tmp_path):
    folder = folder_of(tmp_path, "seamless_m4t")
    change_weights(folder, lambda stored: stored.update({"speech_encoder.new.weight": torch.zeros(1)}))
    with pytest.raises(WeightsDoNotFit, match=r"1 weight is unknown, 'speech_encoder\.new\.weight'"):
        load(folder, CARD)


@pytest.mark.fault(16)
@pytest.mark.parametrize(("name", "integers"), [("bros", "position_ids"), ("deepseek_v4", "tid2eid")])
@pytest.mark.parametrize("number", [-3, 10**9])
def test_stored_integers_that_would_be_an_index_outside_a_table_are_refused(tmp_path, name, integers, number):
    folder = folder_of(tmp_path, name)
    change_weights(folder, lambda stored: [stored[key].fill_(number) for key in stored if key.endswith(integers)])
    with pytest.raises(CorruptModel, match=integers):
        load(folder, CARD)


def test_integers_in_the_place_of_a_weight_are_refused(tmp_path):
    folder = folder_of(tmp_path, "bros")
    name = "embeddings.word_embeddings.weight"
    change_weights(folder, lambda stored: stored.update({name: stored[name].long()}))
    with pytest.raises(UnsupportedModel, match=f"{name} is stored as I64"):
        load(folder, CARD)
