"""Weights that are divided into several files, with an index."""

import json
import os

import pytest
import torch
from fakehub import fake_hub
from model_files import change_weights
from safetensors.torch import load_file
from transformers import GPT2LMHeadModel
from worlds import randomise, tiny_gpt2, write_tiny

from headscope.engine.progress import WorkProgress
from headscope.errors import CorruptModel, ModelRefused, WeightsDoNotFit
from headscope.models.checkpoint import check_files
from headscope.models.claim import check_config
from headscope.models.file_states import differ, states_of
from headscope.models.hub import Hub, fetch, sizes_of
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
INDEX = "model.safetensors.index.json"


@pytest.fixture
def sharded(tmp_path):
    folder = write_tiny(tmp_path / "sharded", "gpt2")
    (folder / "model.safetensors").unlink()
    randomise(GPT2LMHeadModel(tiny_gpt2())).save_pretrained(folder, max_shard_size="40KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 3
    return folder


def shards(folder):
    return sorted(folder.glob("model-*.safetensors"))


def change_index(folder, change):
    index = json.loads((folder / INDEX).read_text())
    change(index["weight_map"])
    (folder / INDEX).write_text(json.dumps(index))


def test_the_weights_of_all_files_are_loaded(sharded):
    model = load(sharded, CARD)
    stored = {name: weight for path in shards(sharded) for name, weight in load_file(path).items()}
    assert model.card.parameters == sum(weight.numel() for weight in stored.values())
    with model.adopted.as_hugging_face() as theirs:
        assert all(torch.equal(theirs.get_parameter(name), weight) for name, weight in stored.items())


def test_the_revision_names_the_weights_of_every_file(sharded):
    before = load(sharded, CARD).card.revision
    last = shards(sharded)[-1]
    data = bytearray(last.read_bytes())
    data[-1] ^= 1
    last.write_bytes(data)
    assert load(sharded, CARD).card.revision != before


def test_a_change_of_any_file_is_noticed(sharded):
    checked = check_files(sharded)
    checked.close()
    for path in (*shards(sharded), sharded / INDEX):
        before = states_of(sharded, "local", checked.states)
        os.utime(path, (1, 1))
        assert differ(before, states_of(sharded, "local", checked.states))


@pytest.mark.fault(15)
def test_a_missing_file_is_named(sharded):
    shards(sharded)[1].unlink()
    with pytest.raises(CorruptModel, match=r"model-00002-of-\d{5}\.safetensors is missing"):
        load(sharded, CARD)


@pytest.mark.fault(15, 17, 49)
@pytest.mark.parametrize(
    "name",
    ["../model.safetensors", "/etc/passwd", "model.bin", "a/model-00001-of-00002.safetensors", 7, None, "x" * 10_000,
     "model-00001-of-00002.safetensors\n"],
)  # fmt: skip
def test_an_index_names_only_parts_of_weights_in_its_own_folder(sharded, name):
    change_index(sharded, lambda places: places.update({"transformer.wte.weight": name}))
    with pytest.raises(CorruptModel, match=r"names the file .*names as model-00001-of-00002.safetensors are read"):
        load(sharded, CARD)


@pytest.mark.fault(15, 17)
@pytest.mark.parametrize(
    "text", ["[]", "{", '{"weight_map": []}', '{"weight_map": {}}', "{}", "[" * 10_000, '{"weight_map": "x"}']
)
def test_an_index_that_is_none_is_refused(sharded, text):
    (sharded / INDEX).write_text(text)
    with pytest.raises(CorruptModel, match=r"index\.json"):
        load(sharded, CARD)


@pytest.mark.fault(15, 16)
def test_an_index_that_does_not_agree_with_its_files_is_refused_with_the_weight(sharded):
    change_index(sharded, lambda places: places.pop("transformer.wpe.weight"))
    with pytest.raises(CorruptModel, match=r"do not agree about 'transformer\.wpe\.weight'"):
        load(sharded, CARD)
    files = [path.name for path in shards(sharded)]
    change_index(sharded, lambda places: places.update({"transformer.wpe.weight": files[-1], "more": files[0]}))
    with pytest.raises(ModelRefused, match=r"do not agree about"):
        load(sharded, CARD)


@pytest.mark.fault(16)
def test_a_weight_of_another_shape_is_refused_before_any_is_read(sharded):
    path = next(path for path in shards(sharded) if "transformer.ln_f.bias" in load_file(path))
    path.rename(sharded / "model.safetensors")
    change_weights(sharded, lambda stored: stored.update({"transformer.ln_f.bias": torch.zeros(7)}))
    (sharded / "model.safetensors").rename(path)
    with pytest.raises(WeightsDoNotFit, match=r"ln_f\.bias is \[7\] in the file, config.json wants \[24\]"):
        load(sharded, CARD)


def test_all_files_are_downloaded_with_their_sizes_known_before(sharded, tmp_path):
    with fake_hub(team__tiny=sharded) as server:
        hub = Hub(max_gigabytes=1, endpoint=server.url, cache=tmp_path / "cache")
        total, missing = sizes_of(hub, "team/tiny", None)
        progress = WorkProgress()
        folder = fetch(hub, "team/tiny", None, progress, lambda folder: check_config(folder, "hub"))
        assert total == missing == progress.total == progress.done
        assert {path.name for path in shards(folder)} == {path.name for path in shards(sharded)}
        model = load(folder, ModelCard("team/tiny", "tiny", "", "hub"))
        assert model.card.verified
        server.faults["team/tiny"] = "down"
        assert fetch(hub, "team/tiny", None, WorkProgress(), lambda _: None) == folder


def test_weights_in_one_file_come_before_an_index(sharded, tmp_path):
    (write_tiny(tmp_path / "whole", "gpt2") / "model.safetensors").rename(sharded / "model.safetensors")
    for path in shards(sharded):
        path.unlink()
    assert load(sharded, CARD).card.parameters
