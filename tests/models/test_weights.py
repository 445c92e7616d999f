"""Weights whose header lies, that are no real numbers, or that give NaN are refused with the reason."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from model_files import FILES, WEIGHTS, change_weights, memory_of_weights, split_weights, write_weights
from safetensors.torch import load_file
from transformers import BertModel

from headscope.capture.capture import run
from headscope.errors import CorruptModel, ModelOutputInvalid, ModelRefused, UnsupportedModel, WeightsDoNotFit
from headscope.models import weights
from headscope.models.checkpoint import check_files
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
FC_BIAS = "transformer.h.1.mlp.c_fc.bias"


@pytest.fixture
def gpt2(models_dir, tmp_path):
    return Path(shutil.copytree(models_dir / "gpt2", tmp_path / "gpt2"))


def lie(**fields):
    return lambda header: header[FC_BIAS].update(fields)


@pytest.mark.fault(15, 17)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lie(data_offsets=[0, 384]), "overlaps the one before"),
        (lie(data_offsets=[10**12, 10**12 + 384]), "does not follow|describes"),
        (lie(data_offsets=[384, 0]), "384 bytes for the shape"),
        (lie(data_offsets=[-384, 0]), "has invalid data_offsets"),
        (lie(data_offsets=[0.0, 384.0]), "has invalid data_offsets"),
        (lie(data_offsets="all"), "has invalid data_offsets"),
        (lie(shape=[2**40, 2**40]), "has an invalid shape"),
        (lie(shape=[-96]), "has an invalid shape"),
        (lie(shape=[2**47, 2**47, 0], data_offsets=[0, 0]), "has an invalid shape"),
        (lie(shape=[True] * 96), "has an invalid shape"),
        (lie(shape=[1] * 9), "has an invalid shape"),
        (lie(dtype="F31"), "has the data type 'F31', which is not known"),
        (lie(dtype=["F32"]), "which is not known"),
        (lambda header: header.update({FC_BIAS: None}), "which is not known"),
        (
            lambda header: header.update({"x" * 10**6: header.pop(FC_BIAS)}),
            "a name of 1,000,000 characters: at most 500",
        ),
        (lambda header: header.update({f"x{n}": None for n in range(2**15)}), "tensors: at most 32,768 are read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_header_that_lies_is_refused_by_its_reason(gpt2, change, expected):
    header, data = split_weights(gpt2)
    change(header)
    write_weights(gpt2, header, data)
    with pytest.raises(CorruptModel, match=expected):
        load(gpt2, CARD)


@pytest.mark.fault(15)
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"[]", "is a JSON list, not an object"),
        (b"\xff\xfe", "is not JSON: byte 0 is not UTF-8"),
        (b'{"a": 1, "a": 2}', "the key 'a' is there twice"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b"[" * 100_000, "is not JSON: it is nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number has 5,000 digits, at most 4300 are read"),
    ],
    ids=["list", "bytes", "repeated", "nan", "nested", "digits"],
)
def test_a_header_that_is_no_object_is_refused(gpt2, header, expected):
    write_weights(gpt2, header, b"")
    with pytest.raises(CorruptModel, match=expected):
        load(gpt2, CARD)


@pytest.mark.fault(15)
@pytest.mark.parametrize("length", [2**22 + 1, 100 * 2**20, 2**64 - 1])
def test_a_header_that_is_too_long_is_not_read(gpt2, length):
    (gpt2 / WEIGHTS).write_bytes(length.to_bytes(8, "little"))
    os.truncate(gpt2 / WEIGHTS, 200 * 2**20)
    with pytest.raises(CorruptModel, match=rf"its header is {length:,} bytes, at most 4,194,304 are read"):
        load(gpt2, CARD)


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        ("gpt2", "transformer.h.0.attn.c_attn.bias", "h.0.attn.c_attn.bias"),
        ("bert", "encoder.layer.0.output.LayerNorm.weight", "encoder.layer.0.output.LayerNorm.gamma"),
        ("bert", "encoder.layer.0.output.LayerNorm.bias", "bert.encoder.layer.0.output.LayerNorm.beta"),
        ("bert", "pooler.dense.bias", "bert.pooler.dense.bias"),
    ],
)
def test_two_names_of_one_parameter_are_refused_with_both(models_dir, tmp_path, kind, name, other):
    folder = Path(shutil.copytree(models_dir / kind, tmp_path / kind))
    change_weights(folder, lambda stored: stored.update({other: stored[name] + 7}))
    with pytest.raises(WeightsDoNotFit, match=rf"'({name}|{other})' and '({name}|{other})' in .* are the same"):
        load(folder, CARD)


@pytest.mark.fault(17)
def test_weights_that_are_skipped_may_not_be_much_larger_than_the_model(models_dir, tmp_path):
    folder = Path(shutil.copytree(models_dir / "bert", tmp_path / "bert"))
    header, data = split_weights(folder)
    skipped = 60 * 2**30
    header["embeddings.position_ids"] = {
        "dtype": "I64",
        "shape": [skipped // 8],
        "data_offsets": [len(data), len(data) + skipped],
    }
    write_weights(folder, header, data)
    os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size + skipped)  # sparse
    with pytest.raises(WeightsDoNotFit, match=rf"{skipped:,} bytes of weights that the model does not use"):
        check_files(folder)


@pytest.mark.fault(16, decides=True)
@pytest.mark.fault(16, 17)
@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("transformer.h.0.mlp.c_fc.bias", [2**14], r"c_fc\.bias is \[16384\] in the file, config\.json wants \[96\]"),
        ("transformer.h.0.more\x1b", [2**14], r"1 weight is unknown, 'transformer\.h\.0\.more\\x1b'"),
    ],
    ids=["shape", "name"],
)
def test_weights_that_the_model_does_not_have_are_refused_before_any_is_read(gpt2, name, shape, expected):
    """A sparse file: the counts of parameters are similar."""
    header, data = split_weights(gpt2)
    header.pop(name, None)
    kept = [(each, header[each]) for each in header if each != "__metadata__"]
    parts = [data[slice(*entry["data_offsets"])] for _, entry in kept]
    place = 0
    for (_, entry), part in zip(kept, parts, strict=True):
        entry["data_offsets"] = [place, place + len(part)]
        place += len(part)
    header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [place, place + 2 * shape[0]]}
    write_weights(gpt2, header, b"".join(parts))
    os.truncate(gpt2 / WEIGHTS, (gpt2 / WEIGHTS).stat().st_size + 2 * shape[0])
    with pytest.raises(WeightsDoNotFit, match=expected):
        check_files(gpt2)


@pytest.mark.fault(17)
def test_the_names_of_the_model_are_listed_no_more_often_for_many_weights(models_dir, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(models_dir / "bert", tmp_path / "bert"))
    header, data = split_weights(folder)
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [len(data), len(data)]}
    listed, state_dict = [], BertModel.state_dict
    monkeypatch.setattr(BertModel, "state_dict", lambda model, **how: listed.append(1) or state_dict(model, **how))
    counts = []
    for more in (1, 1000):
        write_weights(folder, header | {f"cls.seq_relationship.{n}": empty for n in range(more)}, data)
        check_files(folder).close()
        counts.append(len(listed))
        listed.clear()
    assert counts[0] == counts[1] > 0


@pytest.mark.fault(50, decides=True)
@pytest.mark.parametrize(
    ("dtype", "name"),
    [(torch.int64, "I64"), (torch.bool, "BOOL"), (torch.complex64, "C64"), (torch.float8_e4m3fn, "F8_E4M3")],
)
def test_weights_that_are_no_real_numbers_are_refused_by_name(gpt2, dtype, name):
    change_weights(gpt2, lambda stored: stored.update({FC_BIAS: stored[FC_BIAS].to(dtype)}))
    with pytest.raises(UnsupportedModel, match=rf"{FC_BIAS} is stored as {name}: F64, F32, F16, BF16 are supported"):
        load(gpt2, CARD)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_weights_of_another_precision_are_loaded_as_the_same_numbers_in_float32(gpt2, dtype):
    change_weights(gpt2, lambda stored: stored.update({name: weight.to(dtype) for name, weight in stored.items()}))
    expected = load_file(gpt2 / WEIGHTS)["transformer.wte.weight"].float()
    found = load(gpt2, CARD).adopted.model.get_parameter("transformer.wte.weight")
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_model_uses_the_memory_that_the_weights_were_read_into(gpt2, monkeypatch, dtype):
    change_weights(gpt2, lambda stored: stored.update({name: weight.to(dtype) for name, weight in stored.items()}))
    places = memory_of_weights(monkeypatch)
    parameters = load(gpt2, CARD).adopted.model.parameters()
    assert {weight.untyped_storage().data_ptr() for weight in parameters} <= places


@pytest.mark.fault(17)
def test_weights_that_the_model_does_not_use_are_not_allocated(gpt2, monkeypatch):
    change_weights(gpt2, lambda stored: stored.update(extra=torch.zeros(2**17)))
    read, read_tensor = [], weights.read_tensor
    monkeypatch.setattr(weights, "read_tensor", lambda *given: read.append(given[1].name) or read_tensor(*given))
    assert load(gpt2, CARD).card.ignored == ("extra",)
    assert "extra" not in read


@pytest.mark.fault(50, decides=True)
@pytest.mark.fault(18, 50)
@pytest.mark.parametrize("name", ["transformer.h.2.mlp.c_proj.bias", "transformer.ln_f.weight"])
def test_nan_after_the_last_attention_is_refused(gpt2, name):
    change_weights(gpt2, lambda stored: stored[name].fill_(torch.nan))
    with pytest.raises(ModelOutputInvalid, match="gave NaN or infinite numbers after its last attention layer"):
        run(load(gpt2, CARD), "the cat")


@pytest.mark.fault(15, decides=True)
@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_anywhere_are_a_refused_model_or_a_model(gpt2, seed):
    make = torch.Generator().manual_seed(seed)
    name = FILES[seed % 3]
    data = bytearray((gpt2 / name).read_bytes())
    for _ in range(3):
        data[int(torch.randint(min(len(data), 4000), (), generator=make))] ^= 1 << seed % 8
    (gpt2 / name).write_bytes(data)
    with suppress(ModelRefused):
        run(load(gpt2, CARD), "the cat")
