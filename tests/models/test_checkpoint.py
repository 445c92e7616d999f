"""A wrong config.json is refused before any memory is allocated for the model."""

import json
import re
import tracemalloc
from random import Random

import pytest
from worlds import write_tiny

from headscope.errors import CorruptModel, ModelRefused, UnsupportedModel, WeightsDoNotFit
from headscope.models.checkpoint import check_files
from headscope.models.claim import read_config
from headscope.models.families import FAMILIES
from headscope.models.loading import load
from headscope.records import ModelCard


@pytest.fixture
def gpt2(tmp_path):
    return write_tiny(tmp_path / "gpt2", "gpt2")


def parameters(folder):
    checked = check_files(folder)
    checked.close()
    return checked.fit.parameters


def rewrite(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_parameters_are_counted_without_reading_them(gpt2):
    assert parameters(gpt2) == 300 * 24 + 40 * 24 + 3 * (12 * 24**2 + 13 * 24) + 2 * 24


@pytest.mark.fault(17, decides=True)
@pytest.mark.fault(17, 46)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"n_layer": -1}, "num_hidden_layers is -1; 1 to 256 is supported"),
        ({"n_layer": 10**9}, "num_hidden_layers is 1000000000"),
        ({"n_layer": 1.5}, "n_layer"),
        ({"n_layer": True}, "n_layer"),
        ({"resid_pdrop": 2.0}, "resid_pdrop is 2.0; 0 to 1 is supported"),
        ({"attn_pdrop": -0.1}, "attn_pdrop is -0.1; 0 to 1 is supported"),
        ({"n_inner": 2**40}, "n_inner is 1099511627776"),
        ({"n_embd": "wide"}, "n_embd"),
        ({"n_embd": 0}, "hidden_size is 0"),
        ({"n_embd": None}, "n_embd"),
        ({"n_head": 5}, "the width 24 is not divisible by 5 heads"),
        ({"n_positions": 2**40}, "max_position_embeddings"),
        ({"activation_function": "os.system"}, "'os.system' is not a known activation"),
        ({"activation_function": ["gelu"]}, "activation_function"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantization_config"),
        ({"model_type": ["gpt2"]}, "model_type"),
        ({"model_type": "x" * 10_000}, "model_type 'xxx"),
        ({"hidden_size": "24"}, "hidden_size is '24'; a whole number from 1 to 65,536 is supported"),
        ({"hidden_size": None}, "hidden_size is None"),
        ({"max_position_embeddings": [1]}, "max_position_embeddings is [1]"),
        ({"num_attention_heads": 2.0}, "num_attention_heads is 2.0"),
        ({"num_attention_heads": True}, "num_attention_heads is True"),
        ({"num_hidden_layers": "3"}, "num_hidden_layers is '3'"),
        ({"num_hidden_layers": 2}, "n_layer is 3, num_hidden_layers is 2: two names of one size"),
        ({"n_layer": int("1" * 4000)}, "num_hidden_layers is 1111"),
        ({"attn_pdrop": int("1" * 4000)}, "attn_pdrop is 1111"),
    ],
    ids=lambda value: str(value)[:80],
)
def test_impossible_sizes_are_refused_with_their_name(gpt2, changes, expected):
    rewrite(gpt2, **changes)
    with pytest.raises(UnsupportedModel) as refused:
        read_config(gpt2)
    assert expected in refused.value.detail
    assert len(refused.value.detail) < 500


@pytest.mark.fault(17)
@pytest.mark.parametrize(("kind", "name"), [("gpt2", "layer_norm_epsilon"), ("bert", "layer_norm_eps")])
@pytest.mark.parametrize(("written", "read"), [("1e999", "inf"), ("-1e999", "-inf"), ("1e39", "1e+39")])
def test_a_number_that_is_infinite_is_refused_with_its_name_and_value(tmp_path, kind, name, written, read):
    config = write_tiny(tmp_path, kind) / "config.json"
    fields = json.loads(config.read_text()) | {name: "?"}
    config.write_text(json.dumps(fields).replace('"?"', written))
    with pytest.raises(UnsupportedModel, match=rf"{name} is {re.escape(read)}; finite numbers up to 3\.4e\+38"):
        read_config(tmp_path)


VALUES = (
    None, True, "3", "", 2.0, 0.5, 1e300, -1, 0, 1, 65537, 10**20, int("1" * 4000), [1], [], {"a": 1}, {}, "\ud800",
    "A" * 5000, [{"0": "x"}],
)  # fmt: skip
IGNORED = {"id2label", "dtype", "torch_dtype", "attn_implementation", "pruned_heads", "num_labels", "problem_type"}


@pytest.mark.fault(17)
@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_a_config_with_any_wrong_value_loads_or_is_refused_with_a_short_reason(tmp_path, kind):
    folder = write_tiny(tmp_path / kind, kind)
    config = (folder / "config.json").read_text()
    fields = sorted(FAMILIES[kind].fields | {"model_type", "architectures"} | IGNORED)
    changes = [{field: value} for field in fields for value in VALUES]
    refusals = []
    for change in [*Random(7).sample(changes, 200), *({field: 2.0} for field in fields)]:
        (folder / "config.json").write_text(config)
        rewrite(folder, **change)
        try:
            load(folder, ModelCard("local:x", "x", "", "local"))
        except ModelRefused as refused:
            refusals.append(refused.detail.encode())
    assert len(refusals) > 100
    assert max(map(len, refusals)) < 500


@pytest.mark.fault(15)
@pytest.mark.parametrize(
    "text", ["[]", "5", "null", '"gpt2"', "{", "[" * 100_000, "", '{"a": NaN}', '{"a": 1, "a": 2}']
)
def test_a_config_that_is_not_an_object_is_corrupt(gpt2, text):
    (gpt2 / "config.json").write_text(text)
    with pytest.raises(CorruptModel, match=r"config\.json"):
        read_config(gpt2)


@pytest.mark.fault(13)
def test_transformers_gets_only_the_fields_of_the_family(gpt2):
    rewrite(gpt2, num_labels=10**12, _attn_implementation="evil/kernel", trust_remote_code=True)
    config = read_config(gpt2).config
    assert config.num_labels == 2
    assert config._attn_implementation in (None, "eager")
    assert not hasattr(config, "trust_remote_code")


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_every_field_of_a_config_is_read_or_ignored_on_purpose(tmp_path, kind):
    fields = json.loads((write_tiny(tmp_path, kind) / "config.json").read_text())
    # Labels of classifiers, generation, training, and the version of transformers.
    ignored = {"architectures", "classifier_dropout", "dtype", "model_type", "transformers_version", "use_cache"}
    ignored |= {"bos_token_id", "eos_token_id", "pad_token_id"}
    unread = set(fields) - FAMILIES[kind].fields - ignored
    assert {name for name in unread if not name.startswith("summary_")} == set()


@pytest.mark.fault(17)
def test_a_very_large_config_is_refused_without_parsing(gpt2):
    rewrite(gpt2, padding="x" * 2**20)
    with pytest.raises(CorruptModel, match=r"config.json is [\d,]+ bytes: at most 1,048,576"):
        read_config(gpt2)


@pytest.mark.fault(17, decides=True)
def test_a_config_that_describes_far_more_parameters_than_the_file_has_allocates_nothing(gpt2):
    rewrite(gpt2, vocab_size=2**22, n_embd=2**16, n_head=8)  # a terabyte
    tracemalloc.start()
    with pytest.raises(WeightsDoNotFit, match=r"\[300, 24\] in the file, config.json wants \[4194304, 65536\]"):
        parameters(gpt2)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


@pytest.mark.fault(15, decides=True)
@pytest.mark.parametrize("cut", [0, 7, 100, -1])
def test_a_truncated_weights_file_is_corrupt(gpt2, cut):
    weights = gpt2 / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:cut])
    with pytest.raises(CorruptModel, match=r"model\.safetensors cannot be read"):
        parameters(gpt2)


@pytest.mark.fault(15)
@pytest.mark.parametrize("position", range(0, 400, 7))
def test_a_changed_byte_in_the_header_is_a_refused_model_and_not_an_internal_error(gpt2, position):
    weights = gpt2 / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[position] ^= 0xFF
    weights.write_bytes(bytes(data))
    with pytest.raises(ModelRefused):
        parameters(gpt2)
