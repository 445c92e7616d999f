"""Models without a table of ours: which types are taken, and what of their config.json reaches transformers."""

import json
from contextlib import closing
from dataclasses import replace

import pytest
import torch
from architectures import ARCHITECTURES, WATCHED, write, write_model
from model_files import change_weights

from benchmarks.tiny_types import tiny
from headscope.capture.admission import admit
from headscope.capture.capture import run
from headscope.capture.certificate import certify
from headscope.capture.cost import bytes_kept
from headscope.engine.load import bytes_of_model
from headscope.errors import CorruptModel, UnsupportedModel, WeightsDoNotFit
from headscope.models.checker import builder, process
from headscope.models.checker.process import BUILDER, Checker
from headscope.models.checkpoint import check_files
from headscope.models.claim import claim_of
from headscope.models.families import FAMILIES
from headscope.models.foreign_config import check_number, foreign_config
from headscope.models.heads import base_class
from headscope.models.loading import load
from headscope.models.types import FOLLOWED, INTERFACE, REFUSED_TYPES, SHOWN
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
ALBERT = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "embedding_size": 16}


THREE = ["encoder", "decoder", "cross"]


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("modernbert", (3, 4, 64, ["self"])),
        ("albert", (2, 4, 64, ["self"])),
        ("deepseek", (2, 4, 64, ["self"])),
        ("jamba", (8, 4, 64, ["self"])),
    ],
)
def test_a_model_without_a_table_is_loaded(tmp_path, name, sizes):
    card = load(write(tmp_path, name), CARD).card
    assert (card.layers, card.heads, card.max_tokens, [stack.name for stack in card.stacks]) == sizes
    assert card.family not in FAMILIES
    assert card.d_model == 32


@pytest.mark.parametrize(("name", "square"), [("xlnet", True), ("deepseek_v32", True), ("t5", False)])
def test_a_bias_or_mask_that_is_kept_as_a_square_is_part_of_the_memory_that_is_known_beforehand(tmp_path, name, square):
    model = load(write_model(tmp_path, tiny(name)), CARD)
    capture = run(model, "the cat sat on the mat " * 8)
    target = len(capture.tokens_of("target"))
    known = bytes_kept(capture.card, len(capture.tokens), "float32", target)
    assert capture.bytes <= known < capture.bytes * 1.01
    assert any(layer.pair_bytes > 0 for layer in model.card.stacks[0].layers) is square
    assert (capture.bytes > sum(layer.bytes for layer in capture.all_layers)) is square


def test_the_tables_of_a_bias_by_content_are_part_of_the_memory_that_is_known_beforehand(tmp_path):
    model = load(write_model(tmp_path, WATCHED["deberta"].build()), CARD)
    (stack,) = model.card.stacks
    # 4 heads of width 8, 16 positions in float32, for keys and for queries
    assert [(layer.bias, layer.pair_bytes, layer.table_bytes) for layer in stack.layers] == [
        ("content", 0, 2 * 4 * 16 * 8 * 4)
    ] * 2
    for text in ("the cat", "the cat sat on the mat " * 8):
        capture = run(model, text)
        assert capture.bytes == bytes_kept(capture.card, len(capture.tokens), "float32")


@pytest.mark.parametrize(("name", "most"), [("bloom", 2048), ("falcon", 64)])
def test_a_model_that_computes_squares_on_the_way_reads_at_most_2048_tokens(tmp_path, name, most):
    """Both are followed in their own attention; BLOOM has no positions, this Falcon has 64."""
    assert load(write_model(tmp_path, tiny(name)), CARD).card.max_tokens == most


@pytest.mark.parametrize(
    ("name", "stacks"),
    [("llava", ["self"]), ("encoder-decoder", THREE), ("bamba", ["self"])],
    ids=["texts are read by a part", "its encoder has a configuration of its own", "an infinite number"],
)
def test_configurations_with_parts_and_infinite_numbers_are_read(tmp_path, name, stacks):
    card = load(write_model(tmp_path, tiny(name)), CARD).card
    assert (card.d_model, [stack.name for stack in card.stacks]) == (64, stacks)


def test_the_weights_are_those_of_the_file_also_where_transformers_merges_them(tmp_path):
    folder = write(tmp_path, "jamba")
    theirs, ours = ARCHITECTURES["jamba"].build(), load(folder, CARD).adopted.model
    assert all(torch.equal(ours.get_parameter(name), weight) for name, weight in theirs.named_parameters())


@pytest.mark.fault(16, decides=True)
@pytest.mark.parametrize(
    ("name", "weight"), [("albert", "encoder.embedding_hidden_mapping_in.bias"), ("jamba", "final_layernorm.weight")]
)
def test_a_missing_weight_is_refused_by_name(tmp_path, name, weight):
    folder = write(tmp_path, name)
    change_weights(folder, lambda stored: stored.pop(weight))
    with pytest.raises(WeightsDoNotFit, match=rf"1 weight is missing.*{weight}"):
        load(folder, CARD)


def test_every_type_on_the_list_has_a_class_in_transformers():
    assert not INTERFACE & FOLLOWED
    assert not SHOWN & REFUSED_TYPES.keys()
    assert FAMILIES.keys() <= SHOWN
    assert {base_class(model_type).config_class is not None for model_type in SHOWN} == {True}


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    "model_type", ["mamba", "reformer", "fnet", "clip", "timm_wrapper", "Albert", "x", "../albert"]
)
def test_other_types_are_refused_with_the_reason_and_what_to_choose(tmp_path, model_type):
    folder = write(tmp_path, "albert")
    change_config(folder, model_type=model_type)
    with pytest.raises(UnsupportedModel, match=rf"model_type '{model_type}': .*choose"):
        load(folder, CARD)


ORDERS = {
    "attn_implementation": "evil/kernel",
    "_attn_implementation": "evil/kernel",
    "_attn_implementation_internal": "evil/kernel",
    "_name_or_path": "/etc",
    "experts_implementation": "evil/kernel",
    "transformers_weights": "evil.bin",
    "trust_remote_code": True,
    "auto_map": {"AutoModel": "evil.Model"},
    "num_labels": 10**5,
}


@pytest.mark.fault(13, decides=True)
def test_orders_to_transformers_are_dropped_at_every_depth(monkeypatch):
    asked = []
    monkeypatch.setattr(BUILDER, "sizes", lambda _, config: asked.append(config) or {"parameters": 1, "buffers": 0})
    config = foreign_config("albert", {**ALBERT, **ORDERS, "inner": {**ORDERS, "kept": [{**ORDERS, "kept": 5}]}})
    assert asked == [{**ALBERT, "inner": {"kept": [{"kept": 5}]}}]
    assert config.inner == {"kept": [{"kept": 5}]}
    assert config._attn_implementation in (None, "eager")
    assert config.num_labels == 2
    assert config._name_or_path == ""


@pytest.mark.fault(17, 46)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_hidden_layers": 10**6}, "num_hidden_layers is 1000000; up to 512"),
        ({"inner": {"num_hidden_layers": 10**6}}, "num_hidden_layers is 1000000; up to 512"),
        ({"inner": [{"encoder_layers": 10**6}]}, "encoder_layers is 1000000; up to 512"),
        ({"vocab_size": 10**8}, "vocab_size is 100000000; up to 4,194,304"),
        ({"max_position_embeddings": 10**9}, "max_position_embeddings is 1000000000; up to 16,777,216"),
        ({"hidden_size": -(10**30)}, "hidden_size is -1000"),
        ({"layer_norm_eps": 1e300}, r"layer_norm_eps is 1e\+300"),
        ({"layer_types": ["full_attention"] * 5000}, "layer_types has 5,000 entries; up to 4,096"),
        ({"block_sizes": [4] * 4096}, "the sum of block_sizes is 16384; up to 512"),
        ({"depths": [500, [13]]}, "the sum of depths is 513; up to 512"),
        ({"sizes": [2**22, [[1]]]}, "the sum of sizes is 4194305; up to 4,194,304"),
        ({"per_layer_config": {"0": {"intermediate_size": 2**23}}}, "intermediate_size is 8388608; up to 4,194,304"),
        ({"attention_types": [[["global"], 2**30]]}, "attention_types is 1073741824; up to 4,194,304"),
        ({"inner": {"quantization_config": {"bits": 4}}}, "quantization_config: .*before it was quantized"),
        ({"inner": {"use_timm_backbone": True}}, "use_timm_backbone: a pretrained backbone would be downloaded"),
        ({"inner": {"model_type": "timm_backbone"}}, "the type 'timm_backbone': a pretrained backbone"),
        ({"hidden_size": "wide"}, "config.json describes no model"),
        ({"num_attention_heads": 0}, "config.json describes no model"),
    ],
    ids=str,
)
def test_a_config_that_no_model_has_is_refused_with_its_field(changes, expected):
    with pytest.raises(UnsupportedModel, match=expected):
        foreign_config("albert", {**ALBERT, **changes})


def test_layers_may_have_a_configuration_of_their_own(tmp_path):
    """The last layer of this model has one key/value head, the others have two."""
    model = load(write_model(tmp_path, tiny("embedding_gemma2_text")), CARD)
    assert [layer.kv_heads for layer in model.card.stacks[0].layers] == [2] * 5 + [1]
    assert max(admit(model).card.certificate.max_abs_error) <= 1e-5


def test_a_table_is_not_used_for_layers_with_a_configuration_of_their_own():
    """transformers' own Llama reads one configuration for all its layers, too."""
    layers = {"per_layer_config": {"1": {"num_key_value_heads": 1}}}
    with pytest.raises(UnsupportedModel, match=r"config\.json describes no model.*num_key_value_heads"):
        claim_of({"model_type": "llama", "num_hidden_layers": 2, **layers}, {})


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"model_type": "mamba"}, "its decoder has the model_type 'mamba': it has no softmax attention"),
        ({"model_type": "clip"}, "its decoder has the model_type 'clip': it is not on the list"),
        ({"model_type": ["bert"]}, r"its decoder has the model_type \['bert'\]: it is not on the list"),
        ({"model_type": "encoder-decoder", "encoder": {"model_type": "x"}}, "its encoder has the model_type 'x'"),
        ("bert", "its decoder has the model_type None"),
    ],
    ids=str,
)
def test_the_parts_of_an_encoder_decoder_are_of_supported_types(part, expected):
    with pytest.raises(UnsupportedModel, match=f"{expected}.*choose"):
        foreign_config("encoder-decoder", {"encoder": {"model_type": "bert"}, "decoder": part})


def test_the_numbers_of_layers_in_a_list_are_not_added_up_as_layers():
    check_number("no_rope_layers", list(range(0, 512, 4)))


@pytest.mark.fault(17)
def test_the_masks_that_a_model_computes_count_as_its_memory(tmp_path):
    folder = write_model(tmp_path, tiny("gpt_neo"))
    with closing(check_files(folder)) as checked:
        masks = sum(buffer.nbytes for buffer in load(folder, CARD).adopted.model.buffers())
        without = replace(checked, fit=replace(checked.fit, buffers=0))
        assert masks > 1000
        assert bytes_of_model(checked, "float32") == bytes_of_model(without, "float32") + masks


@pytest.mark.fault(17)
def test_masks_that_a_model_builds_count_as_memory():
    fields = {
        "vocab_size": 64,
        "hidden_size": 32,
        "num_layers": 2,
        "attention_types": [[["global"], 2]],
        "num_heads": 4,
    }
    with pytest.raises(UnsupportedModel, match=r"describes [\d,]{13,} bytes beside the weights: .*lower the number"):
        foreign_config("gpt_neo", {**fields, "max_position_embeddings": 2**20})


@pytest.mark.fault(17)
def test_a_model_that_takes_too_long_or_too_much_to_build_ends_a_process_of_its_own(monkeypatch):
    short = Checker("builder", memory_bytes=0)
    monkeypatch.setattr("headscope.models.foreign_config.BUILDER", short)
    for _ in range(2):
        with pytest.raises(CorruptModel, match=r"config\.json takes more than 0 MB of memory to check"):
            foreign_config("albert", ALBERT)
    assert short.used == 1, "the refusal of a config is remembered"
    short.stop()


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    ("limit", "expected"),
    [("MAX_MODULES", "a model of more than 10 modules"), ("MAX_TENSORS", r"a model of \d+ weights: up to 10")],
)
def test_a_model_of_too_many_parts_is_refused_while_it_is_built(monkeypatch, limit, expected):
    monkeypatch.setattr(builder, limit, 10)
    with pytest.raises(UnsupportedModel, match=f"{expected}.*; lower the sizes of its lists"):
        builder.sizes(json.dumps(ALBERT).encode(), "albert")
    monkeypatch.undo()
    assert builder.sizes(json.dumps(ALBERT).encode(), "albert")["parameters"] > 0


def test_our_own_families_and_bundled_models_need_no_such_process(models_dir, monkeypatch):
    monkeypatch.setattr(
        process, "start", lambda module, *limits: pytest.fail(module) if module == "builder" else start(module, *limits)
    )
    process.CHECKER.stop()
    for name in ("gpt2", "bert"):
        load(models_dir / name, CARD)


start = process.start


@pytest.mark.parametrize("name", ["t5gemma2", "pop2piano"])
def test_of_a_model_whose_decoder_fails_in_a_capture_the_encoder_is_shown(tmp_path, name):
    """The maps of its decoder are those of eager attention, but they cannot be captured, or it cannot write."""
    model = admit(load(write_model(tmp_path, tiny(name)), CARD))
    assert [stack.name for stack in model.card.stacks] == ["encoder"]
    assert run(model, "the cat sat").layers


def test_rows_that_give_a_part_of_their_attention_to_no_token_are_no_error_in_a_certificate(tmp_path):
    model = load(write(tmp_path, "gpt-oss"), CARD)
    capture = run(model, "the cat sat on the mat")
    whole = range(len(capture.tokens))
    assert capture.layers[0].block(range(4), whole, whole).sum(-1).max() < 0.99
    certificate = certify(model, capture)
    assert certificate.max_row_sum_error <= 1e-6
    assert max(certificate.max_abs_error) <= 1e-5
