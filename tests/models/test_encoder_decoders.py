"""The tables of models with an encoder and a decoder: our layer equals eager attention, all parameters drawn anew."""

import json
from dataclasses import replace

import pytest
import torch
import transformers
from architectures import SEQ2SEQ, VOCABULARY, write, write_model
from encoder_decoders import IDS, KINDS
from model_files import change_weights
from transformers import CONFIG_MAPPING, DynamicCache, EncoderDecoderCache, T5ForTokenClassification
from worlds import randomise

from headscope.attention.hooks import watching
from headscope.capture.admission import admit
from headscope.capture.capture import run
from headscope.errors import UnsupportedModel, WeightsDoNotFit
from headscope.models.adapter import adopt, are_in
from headscope.models.encoder_decoders import ENCODER_DECODERS, T5
from headscope.models.heads import base_class
from headscope.models.interface.attention import NAME
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
TEXT, TARGET = 24, 15  # tokens
REAL = 19  # of the second text; the others are padding
OF_T5 = {**KINDS["t5"][2], "relative_attention_num_buckets": 8, "relative_attention_max_distance": 12}
GATED = {"feed_forward_proj": "gated-gelu"}
MODELS = {
    **{name: (name, {**SEQ2SEQ, **IDS}) for name in ENCODER_DECODERS},
    "t5": ("t5", {**OF_T5, "tie_word_embeddings": True}),
    "t5 1.1": ("t5", {**OF_T5, **GATED, "tie_word_embeddings": False}),
    "t5 1.1 tied": ("t5", {**OF_T5, **GATED, "tie_word_embeddings": True}),
    "mt5": ("mt5", {**OF_T5, **GATED}),
}
SHOWN = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}
STACKS = ["encoder"] * 2 + ["decoder", "cross"] * 3


def plain(name, **changes):
    """A tiny model of transformers, whose masks arrive as rules."""
    model_type, sizes = MODELS[name]
    config = CONFIG_MAPPING[model_type](**{**sizes, **changes})
    return randomise(base_class(model_type)._from_config(config, attn_implementation=NAME).eval())


def ours(name, **changes):
    return adopt(plain(name, **changes), *ENCODER_DECODERS[MODELS[name][0]])


def inputs():
    make = torch.Generator().manual_seed(0)
    text, target = (torch.randint(3, VOCABULARY, (2, length), generator=make) for length in (TEXT, TARGET))
    real = torch.arange(TEXT) < torch.tensor([[TEXT], [REAL]])
    return {"input_ids": text, "attention_mask": real.long(), "decoder_input_ids": target, "use_cache": False}


@pytest.mark.parametrize("name", MODELS)
def test_maps_and_output_are_those_of_eager_attention(name):
    theirs, adopted, found = plain(name), ours(name), []
    theirs.set_attn_implementation("eager")
    with torch.no_grad():
        wanted = theirs(**inputs(), output_attentions=True)
        with watching(adopted.model, "pattern", lambda _, pattern: found.append(pattern)):
            explicit = adopted.model(**inputs())[0]
        fused = adopted.model(**inputs())[0]
    assert [layer.stack for layer in adopted.attention] == STACKS
    for stack, field in SHOWN.items():
        patterns = [pattern for pattern, of in zip(found, STACKS, strict=True) if of == stack]
        real = inputs()["attention_mask"].bool()[:, None, :, None] if stack == "encoder" else True
        for one, other in zip(patterns, wanted[field], strict=True):
            torch.testing.assert_close(one * real, other * real, atol=1e-5, rtol=0)
    for output in (explicit, fused):
        scale = wanted[0].abs().max().clamp(min=1)
        torch.testing.assert_close(output / scale, wanted[0] / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_the_original_modules_agree_after_the_weights_are_shared(name):
    adopted, theirs = ours(name), plain(name)
    theirs.set_attn_implementation("eager")
    with torch.no_grad(), adopted.as_hugging_face() as model:
        torch.testing.assert_close(model(**inputs())[0], theirs(**inputs())[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", MODELS)
def test_every_attention_module_is_replaced_and_no_weight_is_copied(name):
    model = plain(name)
    before = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    adopted = adopt(model, *ENCODER_DECODERS[MODELS[name][0]])
    assert {parameter.untyped_storage().data_ptr() for parameter in adopted.model.parameters()} == before
    assert len(adopted.layers) == len(adopted.replacements) == len(STACKS)
    assert not {type(each.original).__name__ for each in adopted.replacements} & {
        type(module).__name__ for module in adopted.model.modules()
    }


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_a_layer_alone_computes_what_it_computes_within_the_model(name):
    """So masks, and the bias of the first block, are those of the config."""
    adopted, given, alone = ours(name), [], []
    whole = {key: value for key, value in inputs().items() if key != "attention_mask"}

    def compute_alone(module, args, options, output):
        x = options["hidden_states"] if "hidden_states" in options else args[0]
        given.append(output[0])
        alone.append(module.attention(x, options.get("key_value_states")))

    first = [layer.core for layer in adopted.attention if layer.index == 0]
    for replaced in adopted.replacements:
        if any(adopted.model.get_submodule(core) is replaced.ours.attention.core for core in first):
            replaced.ours.register_forward_hook(compute_alone, with_kwargs=True)
    with torch.no_grad():
        adopted.model(**whole)
    assert len(alone) == 3
    for one, other in zip(alone, given, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_a_decoder_that_reads_one_token_at_a_time_computes_the_keys_of_the_text_once(name):
    adopted, computed = ours(name), []
    given = {key: value[:1] for key, value in inputs().items() if key != "use_cache"}
    for replaced in adopted.replacements:
        replaced.ours.attention.project_k.register_forward_hook(lambda *_: computed.append(1))
    with torch.no_grad():
        whole = adopted.model(**given, use_cache=False)[0]
        encoded = adopted.model.encoder(given["input_ids"])
        cache, states = EncoderDecoderCache(DynamicCache(), DynamicCache()), []
        computed.clear()
        for part in given["decoder_input_ids"].split([4, 1, 1, 9], 1):
            options = {"encoder_outputs": encoded, "past_key_values": cache, "use_cache": True}
            states.append(adopted.model(decoder_input_ids=part, **options)[0])
    torch.testing.assert_close(torch.cat(states, 1), whole, atol=1e-5, rtol=1e-5)
    assert len(computed) == 3 * 4 + 3  # in three blocks: of the target for each part, of the text for the first


def test_the_blocks_of_t5_share_one_bias_that_is_no_square():
    adopted, found = ours("t5"), []
    with torch.no_grad(), watching(adopted.model, "terms", lambda _, terms: found.append(terms.bias)):
        adopted.model(**inputs())
    of_stack = {stack: [bias for bias, of in zip(found, STACKS, strict=True) if of == stack] for stack in SHOWN}
    assert {len(set(map(id, biases))) for biases in of_stack.values()} == {1}
    assert of_stack["encoder"][0].values.shape == (4, 2 * TEXT - 1)
    assert of_stack["decoder"][0].values.shape == (4, 2 * TARGET - 1)
    assert of_stack["cross"][0] is None


def test_the_heads_of_a_decoder_and_an_encoder_may_differ_in_number_and_width():
    sizes = [(layer.config.heads, layer.config.head_dim, layer.config.causal) for layer in ours("bart").layers]
    assert sizes == [(4, 8, False)] * 2 + [(2, 16, True), (2, 16, False)] * 3


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_the_contributions_of_the_heads_and_the_bias_sum_to_the_output(name):
    make = torch.Generator().manual_seed(0)
    for layer in ours(name).layers:
        x, source, seen = torch.randn(1, 9, 32, generator=make), torch.randn(1, 7, 32, generator=make), []
        with torch.no_grad():
            whole = layer(x, source)
            with watching(layer, "result", lambda _, result, seen=seen: seen.append(result)):
                layer(x, source)
        bias = 0 if layer.project_out.bias is None else layer.project_out.bias
        torch.testing.assert_close(seen[0].sum(1) + bias, whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("name", "sizes"), [("t5", (2, 4, 2048)), ("bart", (2, 4, 64))])
def test_a_folder_is_loaded_by_its_table(tmp_path, name, sizes):
    model = admit(load(write(tmp_path, name), CARD))
    assert (model.card.layers, model.card.heads, model.card.max_tokens) == sizes
    assert [stack.name for stack in model.card.stacks] == ["encoder", "decoder", "cross"]
    assert model.card.projections
    assert max(model.card.certificate.max_abs_error) <= 1e-5


def test_numbers_of_buckets_that_no_bias_can_have_are_refused(tmp_path):
    folder = write_model(tmp_path, plain("t5", relative_attention_num_buckets=2))
    with pytest.raises(UnsupportedModel, match=r"config\.json: no attention layer has these sizes: 2 buckets"):
        load(folder, CARD)


def test_a_model_without_one_of_the_places_is_none_for_the_table():
    assert are_in(plain("t5"), T5)
    config = CONFIG_MAPPING["t5"](**OF_T5)
    assert not are_in(T5ForTokenClassification(config), T5)
    assert not are_in(plain("t5"), (*T5, replace(T5[0], blocks="encoder.blocks")))


def sized(name, **changes):
    config, _, sizes = KINDS[name]
    return getattr(transformers, config)(**{**sizes, "tie_word_embeddings": True, **changes})


@pytest.mark.fault(16, 46)
@pytest.mark.parametrize(
    ("name", "kind", "prediction"),
    [
        ("bart", "BartForSequenceClassification", "label"),
        ("t5", "T5ForSequenceClassification", "label"),
        ("t5", "T5ForTokenClassification", "token_label"),
    ],
)
def test_a_model_with_labels_whose_tied_weights_are_in_the_file_once_is_loaded(tmp_path, name, kind, prediction):
    write_model(tmp_path, getattr(transformers, kind)(sized(name, num_labels=3)))
    model = admit(load(tmp_path, CARD))
    assert (model.card.prediction, len(model.head.labels)) == (prediction, 3)
    assert run(model, "the cat").layers


@pytest.mark.fault(16, 17, 46)
@pytest.mark.parametrize(("name", "layers"), [("t5", "num_decoder_layers"), ("bart", "decoder_layers")])
def test_of_a_model_whose_decoder_has_no_layers_the_encoder_is_shown(tmp_path, name, layers):
    model_class = getattr(transformers, KINDS[name][1])
    model = admit(load(write_model(tmp_path, model_class(sized(name, **{layers: 0}))), CARD))
    assert [stack.name for stack in model.card.stacks] == ["encoder"]
    assert model.card.max_target is None
    assert len(run(model, "the cat").layers) == 2


@pytest.mark.parametrize(
    "kind",
    [
        "BartForConditionalGeneration", "BartModel", "MBartForConditionalGeneration", "MvpForConditionalGeneration",
        "PLBartForConditionalGeneration",
    ],
)  # fmt: skip
def test_a_model_with_a_decoder_predicts_the_next_token(tmp_path, kind):
    model_class = getattr(transformers, kind)
    config = model_class.config_class(**SEQ2SEQ, **IDS)
    assert load(write_model(tmp_path, model_class(config)), CARD).card.prediction == "next_token"


@pytest.mark.parametrize("says", [True, False])
@pytest.mark.parametrize(("layers", "of_decoder"), [(2, 2), (6, 18)])
def test_an_encoder_that_was_saved_without_its_decoder_is_shown(tmp_path, says, layers, of_decoder):
    model = transformers.T5EncoderModel(sized("t5", num_layers=layers, num_decoder_layers=of_decoder, d_ff=3000))
    write_model(tmp_path, model)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "is_encoder_decoder": says}))
    model = admit(load(tmp_path, CARD))
    assert [len(stack.layers) for stack in model.card.stacks] == [layers]
    assert (model.card.prediction, model.card.max_target, model.card.projections) == ("none", None, True)
    assert max(model.card.certificate.max_abs_error) < 1e-5


def test_an_encoder_without_one_of_its_weights_is_refused(tmp_path):
    write_model(tmp_path, transformers.T5EncoderModel(sized("t5")))
    name = "encoder.block.1.layer.0.SelfAttention.q.weight"
    change_weights(tmp_path, lambda stored: stored.pop(name))
    with pytest.raises(WeightsDoNotFit, match=f"1 weight is missing, '{name}'"):
        load(tmp_path, CARD)
