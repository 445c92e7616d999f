"""Weights that transformers merges and renames: a file that does not fit is refused before any of them is read."""

import pytest
import torch
from architectures import ARCHITECTURES
from model_files import change_weights

from headscope.errors import WeightsDoNotFit
from headscope.models.checkpoint import check_files
from headscope.models.loading import load
from headscope.models.weights import WeightsFile
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
EXPERT = "layers.1.feed_forward.experts.0.down_proj.weight"


@pytest.fixture
def folder(tmp_path, models_dir):
    ARCHITECTURES["jamba"].build().save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes((models_dir / "bert" / "tokenizer.json").read_bytes())
    return tmp_path


def all_unknown(stored):
    numbers = sum(weight.numel() for weight in stored.values())
    stored.clear()
    stored["z" * 300] = torch.zeros(numbers)


def twice_as_wide(stored):
    stored[EXPERT] = stored[EXPERT].repeat(1, 2)


def all_wider(stored):
    for name in [name for name in stored if name.endswith("down_proj.weight")]:
        stored[name] = stored[name].repeat(1, 2)


@pytest.mark.fault(16, 17)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (all_unknown, r"weights are missing, the first is '"),
        (lambda stored: stored.update({"z" * 300: torch.zeros(1)}), r"1 weight is unknown, 'z{200}'"),
        (lambda stored: stored.pop("final_layernorm.weight"), r"1 weight is missing.*'final_layernorm\.weight'"),
        (lambda stored: stored.pop(EXPERT), "is .* in the file, config.json wants"),
        (twice_as_wide, r"the weights do not fit config\.json: "),
        (all_wider, "is .* in the file, config.json wants"),
    ],
    ids=["all unknown", "one unknown", "missing", "an expert is missing", "one is wider", "all are wider"],
)
def test_weights_that_do_not_fit_after_merging_are_not_read(folder, monkeypatch, change, expected):
    change_weights(folder, change)
    monkeypatch.setattr(WeightsFile, "read", lambda *_: pytest.fail("read"))
    with pytest.raises(WeightsDoNotFit, match=expected) as error:
        load(folder, CARD)
    assert len(error.value.detail) < 600


@pytest.mark.fault(17)
def test_what_is_merged_counts_as_memory_beside_the_model(folder, models_dir):
    checked = check_files(folder)
    checked.close()
    assert checked.fit.merged == sum(tensor.numel for tensor in checked.weights.tensors.values()) > 0
    other = check_files(models_dir / "gpt2")
    other.close()
    assert other.fit.merged == 0
