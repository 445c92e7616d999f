"""Checkpoints as people have them: fine-tuned, with own layers, with prefixes, with an incomplete config.json."""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from worlds import byte_level, randomise, tiny_bert, tiny_gpt2, word_piece

from headscope.capture.capture import run
from headscope.capture.certificate import certify
from headscope.errors import UnsupportedModel, WeightsDoNotFit
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
TEXT = "The cat sat on the mat."


def write(folder, class_name, changes=None, **sizes):
    """A folder with a tiny random model of that class. `changes`: of its config.json, None for a field that goes."""
    of_gpt2 = class_name.startswith("GPT2")
    config = (tiny_gpt2 if of_gpt2 else tiny_bert)(**sizes)
    randomise(getattr(transformers, class_name)(config)).save_pretrained(folder)
    (byte_level if of_gpt2 else word_piece)().save(str(folder / "tokenizer.json"))
    change_config(folder, **changes or {})
    return folder


def change_config(folder, **changes):
    path = folder / "config.json"
    fields = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in fields.items() if value is not None}))


def rename(folder, new_name):
    """Save the weights again under other names; `new_name` answers None for a weight that goes."""
    path = folder / "model.safetensors"
    renamed = {new_name(name): weight for name, weight in load_file(path).items()}
    renamed.pop(None, None)
    save_file(renamed, path)


def add(folder, *names):
    path = folder / "model.safetensors"
    save_file(load_file(path) | {name: torch.zeros(3) for name in names}, path)


def shown(folder):
    """The loaded model, after its maps were compared with those of eager attention."""
    model = load(folder, CARD)
    certificate = certify(model, run(model, TEXT))
    assert max(certificate.max_abs_error) < 1e-5
    return model


@pytest.mark.parametrize(
    ("class_name", "prediction", "loaded_as"),
    [
        ("BertModel", "none", "BertModel"),
        ("BertForMaskedLM", "masked_token", "BertForMaskedLM"),
        ("BertForPreTraining", "masked_token", "BertForMaskedLM"),
        ("BertLMHeadModel", "next_token", "BertLMHeadModel"),
        ("BertForNextSentencePrediction", "none", "BertModel"),
        ("BertForSequenceClassification", "label", "BertForSequenceClassification"),
        ("BertForTokenClassification", "token_label", "BertForTokenClassification"),
        ("BertForQuestionAnswering", "answer", "BertForQuestionAnswering"),
        ("BertForMultipleChoice", "none", "BertModel"),
        ("GPT2Model", "next_token", "GPT2LMHeadModel"),
        ("GPT2LMHeadModel", "next_token", "GPT2LMHeadModel"),
        ("GPT2DoubleHeadsModel", "next_token", "GPT2LMHeadModel"),
        ("GPT2ForSequenceClassification", "label", "GPT2ForSequenceClassification"),
        ("GPT2ForTokenClassification", "token_label", "GPT2ForTokenClassification"),
        ("GPT2ForQuestionAnswering", "answer", "GPT2ForQuestionAnswering"),
    ],
)
def test_every_class_of_bert_and_gpt2_is_shown_with_the_head_that_is_known(tmp_path, class_name, prediction, loaded_as):
    model = shown(write(tmp_path, class_name))
    assert (model.card.prediction, model.head.prediction) == (prediction, prediction)
    assert type(model.adopted.model).__name__ == loaded_as


def test_the_card_has_the_names_of_the_first_labels(tmp_path):
    folder = write(tmp_path, "BertForSequenceClassification", num_labels=23)
    change_config(folder, id2label={str(each): f"{each} " + "x" * 60 for each in range(23)})
    labels = load(folder, CARD).card.labels
    assert (len(labels), labels[-1]) == (21, "and 3 more")
    assert {len(label) for label in labels[:-1]} == {40}
    assert labels[3] == "3 " + "x" * 38
    assert load(write(tmp_path / "lm", "BertForMaskedLM"), CARD).card.labels == ()


@pytest.mark.parametrize("class_name", ["BertForSequenceClassification", "GPT2ForTokenClassification"])
def test_the_head_has_the_weights_of_the_file_and_its_labels_their_names(tmp_path, class_name):
    names = ("contradiction", "entailment", "neutral")
    model = load(write(tmp_path, class_name, id2label=dict(enumerate(names))), CARD)
    assert model.head.labels == names
    stored = load_file(tmp_path / "model.safetensors")
    head = {name: weight for name, weight in stored.items() if "classifier" in name}
    assert head
    assert all(torch.equal(model.adopted.model.get_parameter(name), weight) for name, weight in head.items())


@pytest.mark.parametrize("named", [None, {"0": "no", "1": "yes"}, {"0": 5}, {"a": "b"}, [], {"7": "x"}])
def test_the_number_of_labels_is_that_of_the_weights(tmp_path, named):
    folder = write(tmp_path, "BertForSequenceClassification", num_labels=5)
    change_config(folder, id2label=named)
    assert load(folder, CARD).head.labels == tuple(f"LABEL_{n}" for n in range(5))


def test_what_is_outside_of_the_forward_pass_is_ignored_and_named_on_the_card(tmp_path):
    folder = write(tmp_path, "BertForPreTraining")
    add(folder, "linear.weight", "lstm.bias", "bert.pooler.more", "embeddings.position_ids")
    card = shown(folder).card
    assert set(card.ignored) == {
        "bert.pooler.dense.bias", "bert.pooler.dense.weight", "bert.pooler.more", "cls.seq_relationship.bias",
        "cls.seq_relationship.weight", "linear.weight", "lstm.bias",
    }  # fmt: skip


def test_a_card_names_the_first_ignored_weights_and_how_many_more_there_are(tmp_path):
    folder = write(tmp_path, "GPT2LMHeadModel")
    add(folder, *(f"value.{n:02}" for n in range(30)), "a\u202e\n" + "x" * 400)
    ignored = load(folder, CARD).card.ignored
    assert (len(ignored), ignored[-1]) == (21, "and 11 more")
    assert ignored[0] == "a⟨U+202E⟩↵" + "x" * 97


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    "name",
    ["bert.encoder.layer.1.adapter.weight", "bert.embeddings.more.weight", "bert.encoder.layer.9.output.dense.bias"],
)
def test_an_unknown_weight_inside_the_model_is_refused(tmp_path, name):
    folder = write(tmp_path, "BertForMaskedLM")
    add(folder, name)
    with pytest.raises(WeightsDoNotFit, match=rf"1 weight is unknown.*{name}.*check its model_type"):
        load(folder, CARD)


@pytest.mark.fault(16)
@pytest.mark.parametrize("gone", ["encoder.layer.2.output.dense.bias", "embeddings.LayerNorm.weight"])
def test_a_missing_weight_inside_the_model_is_refused(tmp_path, gone):
    folder = write(tmp_path, "BertForSequenceClassification")
    rename(folder, lambda name: None if name.endswith(gone) else name)
    with pytest.raises(WeightsDoNotFit, match=rf"1 weight is missing.*{gone}"):
        load(folder, CARD)


@pytest.mark.parametrize(
    ("class_name", "changes"),
    [
        ("BertForSequenceClassification", {"architectures": ["MyClassifier"]}),
        ("BertForTokenClassification", {"architectures": None}),
        ("BertModel", {"architectures": ["BertForMaskedLM"]}),
        ("BertModel", {"architectures": ["BertForSequenceClassification"]}),
        ("GPT2Model", {"architectures": ["GPT2LMHeadModel"], "tie_word_embeddings": False}),
        ("GPT2Model", {"tie_word_embeddings": False}),
    ],
)
def test_without_a_known_head_the_model_is_shown_without_one(tmp_path, class_name, changes):
    model = shown(write(tmp_path, class_name, changes))
    assert model.head.prediction == "none"
    assert type(model.adopted.model).__name__ in {"BertModel", "GPT2Model"}


@pytest.mark.parametrize("class_name", ["BertForMaskedLM", "GPT2LMHeadModel"])
@pytest.mark.parametrize("changes", [{"architectures": None}, {"architectures": ["MyOwn"]}, {"architectures": 5}])
def test_a_language_model_is_told_by_its_weights(tmp_path, class_name, changes):
    assert type(load(write(tmp_path, class_name, changes), CARD).adopted.model).__name__ == class_name


@pytest.mark.parametrize("class_name", ["BertModel", "BertForSequenceClassification"])
def test_a_pooler_is_not_demanded(tmp_path, class_name):
    folder = write(tmp_path, class_name)
    with_pooler = shown(folder).card.parameters
    rename(folder, lambda name: None if "pooler" in name else name)
    model = shown(folder)
    assert model.card.parameters < with_pooler
    assert model.head.prediction == "none"


@pytest.mark.parametrize("prefix", ["module.", "model.", "0.auto_model.", "encoder."])
@pytest.mark.parametrize("class_name", ["BertModel", "GPT2LMHeadModel", "BertForSequenceClassification"])
def test_a_prefix_on_all_weights_is_found(tmp_path, class_name, prefix):
    folder = write(tmp_path, class_name)
    plain = shown(folder)
    rename(folder, lambda name: prefix + name)
    model = shown(folder)
    assert model.card.prediction == plain.card.prediction
    assert model.card.parameters == plain.card.parameters


@pytest.mark.parametrize("class_name", ["BertForMaskedLM", "GPT2LMHeadModel"])
def test_the_prefix_of_the_class_can_miss(tmp_path, class_name):
    folder = write(tmp_path, class_name)
    rename(folder, lambda name: name.removeprefix("bert.").removeprefix("transformer."))
    assert type(shown(folder).adopted.model).__name__ == class_name


def test_one_of_two_shared_weights_is_enough(tmp_path):
    folder = write(tmp_path, "GPT2LMHeadModel")
    plain = load(folder, CARD).adopted.model
    rename(folder, lambda name: "lm_head.weight" if name == "transformer.wte.weight" else name)
    model = shown(folder).adopted.model
    assert torch.equal(model.transformer.wte.weight, plain.transformer.wte.weight)


@pytest.mark.fault(16)
def test_two_models_in_one_file_are_refused_with_both_names(tmp_path):
    folder = write(tmp_path, "BertModel")
    stored = load_file(folder / "model.safetensors")
    both = {f"{side}.{name}": weight.clone() for side in ("question", "answer") for name, weight in stored.items()}
    save_file(both, folder / "model.safetensors")
    with pytest.raises(WeightsDoNotFit, match=r"2 models, below 'answer\.', 'question\.': save one"):
        load(folder, CARD)


@pytest.mark.parametrize(
    "class_name", ["BertModel", "BertForMaskedLM", "BertForSequenceClassification", "GPT2Model", "GPT2LMHeadModel"]
)
@pytest.mark.parametrize("architectures", [None, ["MyOwn"]])
def test_the_type_of_a_model_is_told_by_its_weights(tmp_path, class_name, architectures):
    model = shown(write(tmp_path, class_name, {"model_type": None, "architectures": architectures}))
    assert model.card.family == class_name[:4].lower()


def test_the_type_of_a_model_is_told_by_its_class(tmp_path):
    folder = write(tmp_path, "BertForTokenClassification", {"model_type": None})
    assert shown(folder).head.prediction == "token_label"


@pytest.mark.parametrize("class_name", ["RobertaModel", "ElectraModel", "GPTBigCodeModel"])
def test_where_the_weights_leave_a_doubt_the_type_is_asked_for(tmp_path, class_name):
    folder = write(tmp_path, "BertModel", {"model_type": None, "architectures": None})
    sizes = {
        "vocab_size": 80,
        "hidden_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "type_vocab_size": 1,
    }
    config = getattr(transformers, class_name).config_class(**{**sizes, "embedding_size": 24, "n_inner": 32})
    save_file(
        {name: weight.clone() for name, weight in getattr(transformers, class_name)(config).state_dict().items()},
        folder / "model.safetensors",
    )
    with pytest.raises(UnsupportedModel, match=r"has no model_type, .*add it to config.json"):
        load(folder, CARD)


@pytest.mark.fault(13, decides=True)
def test_code_that_a_config_names_is_not_looked_at(tmp_path):
    changes = {"auto_map": {"AutoModel": "modeling.Evil"}, "trust_remote_code": True}
    assert shown(write(tmp_path, "BertModel", changes)).card.family == "bert"
