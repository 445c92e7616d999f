"""What the server gets of a hostile config.json."""

import json

import pytest
from worlds import write_tiny

from headscope.errors import CorruptModel, UnsupportedModel
from headscope.models.checker.config_fields import MAX_TOTAL, short_fields
from headscope.models.claim import read_config


def fields_of(**fields):
    return short_fields(json.dumps(fields).encode(), "config.json")


def nested(depth, opening="[", closing="]"):
    return opening * depth + "1" + closing * depth


def write_field(folder, fields, name, value):
    """Write the fields and one more, whose value is given as JSON."""
    others = json.dumps({each: fields[each] for each in fields if each != name})
    (folder / "config.json").write_text(f'{others[:-1]}, "{name}": {value}}}')


def test_short_fields_are_passed_on_as_they_are():
    fields = {"n": 3, "rate": 0.5, "name": "gelu", "none": None, "is": True, "list": [1, [2]], "scaling": {"a": [1]}}
    assert fields_of(**fields) == fields


def test_the_names_of_a_thousand_labels_are_passed_on():
    names = {str(n): f"a label, number {n}" for n in range(1000)}
    assert fields_of(id2label=names)["id2label"] == names


@pytest.mark.fault(17, 41)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x" * 70_000, "x" * 80 + "... (70,002 characters)"),
        ([[]] * 345_000, "... (1,380,000 characters)"),
        ([[[[[[[[[]]]]]]]]], "nested"),
    ],
    ids=["text", "list", "deep"],
)
def test_long_and_deep_fields_are_described_and_not_passed_on(value, expected):
    assert fields_of(n_layer=3, zzz=value)["n_layer"] == 3
    assert fields_of(n_layer=3, zzz=value)["zzz"].startswith(expected)


@pytest.mark.fault(17, 41)
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({f"a{n}": n for n in range(1001)}, "1,001 fields: up to 1,000"),
        ({f"a{n}": "x" * 6000 for n in range(50)}, "characters in its short fields: up to 262,144"),
    ],
)
def test_many_fields_are_refused(fields, expected):
    with pytest.raises(CorruptModel, match=f"config.json has .*{expected}"):
        fields_of(**fields)


def test_a_name_that_no_field_has_is_left_out():
    assert fields_of(**{"x" * 101: 1, "n": 2}) == {"n": 2}


@pytest.mark.fault(17)
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_a_config_of_any_depth_is_read_or_refused(tmp_path, brackets):
    folder = write_tiny(tmp_path, "gpt2")
    fields = json.loads((folder / "config.json").read_text())
    depths = (8, 9, 200, *range(940, 1000), 1500)
    outcomes = set()
    for depth in depths:
        write_field(folder, fields, "zzz", nested(depth, *brackets))
        try:
            outcomes.add(read_config(folder).adapter.family)
        except CorruptModel as refused:
            outcomes.add(refused.detail)
    assert outcomes == {"gpt2", "config.json is not JSON: it is nested too deeply"}


@pytest.mark.fault(17)
@pytest.mark.parametrize("name", ["n_layer", "model_type", "activation_function", "quantization_config"])
def test_a_field_that_is_read_and_is_no_short_value_is_refused_with_its_name(tmp_path, name):
    folder = write_tiny(tmp_path, "gpt2")
    fields = json.loads((folder / "config.json").read_text())
    for value in (nested(100), json.dumps([[]] * 30_000)):
        write_field(folder, fields, name, value)
        with pytest.raises(UnsupportedModel) as refused:
            read_config(folder)
        named = "known activation" if name == "activation_function" else name.replace("n_layer", "num_hidden_layers")
        assert named in refused.value.detail.replace("n_layer", "num_hidden_layers")


@pytest.mark.fault(41)
def test_what_the_server_parses_is_short_whatever_the_file_has(tmp_path, monkeypatch):
    from headscope.models.checker import process

    answers = []
    real = process.read_frame
    monkeypatch.setattr(process, "read_frame", lambda pipe: answers.append(real(pipe)) or answers[-1])
    folder = write_tiny(tmp_path, "gpt2")
    fields = json.loads((folder / "config.json").read_text())
    write_field(folder, fields, "zzz", json.dumps([[]] * 340_000, separators=(",", ":")))
    assert read_config(folder).config.n_layer == 3
    assert 0 < max(map(len, answers)) < MAX_TOTAL
