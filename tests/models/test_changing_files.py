"""Files that change during or after the load: the loaded numbers stay those that were checked."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from model_files import CONFIG, FILES, TOKENIZER, WEIGHTS, change_weights

from headscope.capture.capture import run
from headscope.errors import CorruptModel
from headscope.models import weights
from headscope.models.checkpoint import check_files
from headscope.models.file_states import states_of
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
FC_BIAS = "transformer.h.1.mlp.c_fc.bias"


@pytest.fixture
def gpt2(models_dir, tmp_path):
    return Path(shutil.copytree(models_dir / "gpt2", tmp_path / "gpt2"))


@pytest.mark.fault(39, decides=True)
def test_a_file_that_is_overwritten_or_truncated_after_the_load_changes_nothing(gpt2):
    path, model = gpt2 / WEIGHTS, load(gpt2, CARD)
    mapped = Path("/proc/self/maps")
    # A mapped file would end this process below.
    assert str(path) not in (mapped.read_text() if mapped.exists() else "")
    before = run(model, "the cat sat")
    for change in (lambda: path.write_bytes(bytes(path.stat().st_size)), lambda: os.truncate(path, 0)):
        change()
        after = run(model, "the cat sat")
        for one, other in zip(before.layers, after.layers, strict=True):
            assert torch.equal(one.q, other.q)
            assert torch.equal(one.lse, other.lse)


def during_the_read(monkeypatch, change):
    read_tensor = weights.read_tensor

    def changing(*arguments):
        change()
        return read_tensor(*arguments)

    monkeypatch.setattr(weights, "read_tensor", changing)


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda path: os.truncate(path, 1000), "truncated while it was read"),
        (lambda path: os.truncate(path, 200_000), "changed while it was read"),
        (lambda path: os.utime(path, ns=(0, 0)), "changed while it was read"),
    ],
    ids=["truncated", "longer", "written"],
)
def test_weights_that_change_during_the_load_are_refused(gpt2, monkeypatch, change, expected):
    during_the_read(monkeypatch, lambda: change(gpt2 / WEIGHTS))
    with pytest.raises(CorruptModel, match=f"model.safetensors .*{expected}"):
        load(gpt2, CARD)


@pytest.mark.fault(39)
def test_weights_that_are_replaced_during_the_load_are_those_that_were_checked(gpt2, monkeypatch):
    expected = load(gpt2, CARD).card.revision
    during_the_read(monkeypatch, lambda: (gpt2 / WEIGHTS).unlink(missing_ok=True))
    assert load(gpt2, CARD).card.revision == expected


@pytest.mark.fault(39)
def test_the_states_of_the_files_are_those_of_the_opened_files(gpt2):
    before = states_of(gpt2, "local")
    checked = check_files(gpt2)
    (gpt2 / CONFIG).unlink()
    checked.close()
    assert checked.states == before


@pytest.mark.fault(39)
@pytest.mark.parametrize("name", FILES)
def test_each_file_that_decides_the_numbers_changes_the_revision(gpt2, name):
    before = load(gpt2, CARD).card.revision
    if name == CONFIG:
        config = json.loads((gpt2 / CONFIG).read_text())
        (gpt2 / CONFIG).write_text(json.dumps({**config, "layer_norm_epsilon": 0.5}))
    elif name == TOKENIZER:
        (gpt2 / TOKENIZER).write_text((gpt2 / TOKENIZER).read_text() + " ")
    else:
        change_weights(gpt2, lambda stored: stored[FC_BIAS].add_(1))
    assert load(gpt2, CARD).card.revision != before
