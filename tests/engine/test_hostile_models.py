"""Hostile models on a server and in the command: refused with the reason, never a 5xx, and the next model loads."""

import json
import os
import shutil

import pytest
from model_files import CONFIG, TOKENIZER, WEIGHTS, split_weights, write_weights
from tokenizers import Tokenizer
from tokenizers.normalizers import Replace
from typer.testing import CliRunner
from worlds import byte_level, serving

from headscope.cli.command import cli
from headscope.engine import load as loads
from headscope.settings import Settings


def change_config(folder, **changes):
    config = json.loads((folder / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**config, **changes}))


def swell(folder):
    tokenizer = Tokenizer.from_str(byte_level().to_str())
    tokenizer.normalizer = Replace("x", "y" * 10**6)
    tokenizer.save(str(folder / TOKENIZER))


def replace_by_fifo(path):
    path.unlink()
    os.mkfifo(path)


def link_outside(path):
    path.rename(path.parent.parent.parent / path.name)
    path.symlink_to(path.parent.parent.parent / path.name)


def add_tensor(folder, name, dtype="U8"):
    """A weight that no model has."""
    header, data = split_weights(folder)
    header[name] = {"dtype": dtype, "shape": [4], "data_offsets": [len(data), len(data) + 4]}
    write_weights(folder, header, data + b"aaaa")


HOSTILE = {
    "half-character": lambda folder: add_tensor(folder, "\ud800\ud800x"),
    "escapes": lambda folder: add_tensor(folder, "transformer.h.0.\x1b]0;title\x07\x1b[31m\nsecond line"),
    "dropout": lambda folder: change_config(folder, resid_pdrop=2.0),
    "layers": lambda folder: change_config(folder, n_layer=-3),
    "code": lambda folder: change_config(folder, model_type="evil", auto_map={"AutoModel": "evil.Model"}),
    "swells": swell,
    "fifo": lambda folder: replace_by_fifo(folder / TOKENIZER),
    "fifo-weights": lambda folder: replace_by_fifo(folder / WEIGHTS),
    "outside": lambda folder: link_outside(folder / WEIGHTS),
    "header": lambda folder: write_weights(folder, b"[" * 10**5, b""),
    "empty": lambda folder: os.truncate(folder / TOKENIZER, 0),
    "sparse": lambda folder: os.truncate(folder / TOKENIZER, 10 * 2**30),
}


@pytest.fixture
def hostile_dir(models_dir, tmp_path):
    """Hostile models, and a sound one called `sound`."""
    top = tmp_path / "models"
    for name in (*HOSTILE, "sound"):
        shutil.copytree(models_dir / "gpt2", top / name)
    for name, change in HOSTILE.items():
        change(top / name)
    return top


@pytest.mark.fault(13, 15, 17, 46, 49)
def test_hostile_models_are_refused_with_the_reason_and_the_next_model_loads(hostile_dir):
    with serving(Settings(model="local:sound", models_dir=hostile_dir)) as client:
        for name in HOSTILE:
            refused = client.post("/api/v1/models/load", json={"model": f"local:{name}"})
            assert refused.status_code == 422, (name, refused.text)
            assert len(refused.json()["detail"]) > 20
            assert refused.json()["detail"].isprintable()
            events = client.post(
                "/api/v1/models/load", json={"model": f"local:{name}"}, headers={"Accept": "text/event-stream"}
            )
            assert events.text.rstrip().split("\n\n")[-1].startswith("event: error"), name
            listed = client.get("/api/v1/models").json()["models"]
            assert [(card["state"], bool(card["why"])) for card in listed if card["id"] == f"local:{name}"] == [
                ("failed", True)
            ]
        assert client.post("/api/v1/attention", json={"text": "the cat"}).is_success


@pytest.mark.fault(46)
def test_the_command_refuses_a_hostile_model_with_the_reason(hostile_dir):
    options = ["--models-dir", str(hostile_dir), "--model", "local:swells"]
    result = CliRunner().invoke(cli, ["dump", "the cat", *options])
    assert result.exit_code == 1
    assert "1,000,000 times longer" in result.stderr


@pytest.mark.fault(46)
def test_the_command_prints_no_control_characters_of_a_hostile_model(hostile_dir):
    options = ["--models-dir", str(hostile_dir), "--model", "local:escapes"]
    result = CliRunner().invoke(cli, ["scores", "the cat", *options])
    assert result.exit_code == 1
    assert r"\x1b]0;title" in result.stderr
    assert result.stderr.strip().isprintable()


@pytest.mark.fault(12, 46)
def test_a_folder_that_becomes_a_link_while_its_load_waits_is_not_loaded(models_dir, tmp_path, monkeypatch):
    top, outside = tmp_path / "models", tmp_path / "outside"
    shutil.copytree(models_dir / "gpt2", top / "mine")
    shutil.copytree(models_dir / "gpt2", outside)
    check = loads.check_model

    def swap_and_check(load, *rest):
        if load.entry.card.id == "local:mine":
            shutil.rmtree(top / "mine")
            (top / "mine").symlink_to(outside)
        return check(load, *rest)

    monkeypatch.setattr(loads, "check_model", swap_and_check)
    with serving(Settings(model="gpt2-mini", models_dir=top)) as client:
        refused = client.post("/api/v1/models/load", json={"model": "local:mine"})
    assert (refused.status_code, refused.json()["code"]) == (422, "corrupt_model")
    assert "a link to a file outside the model's folder" in refused.json()["detail"]
