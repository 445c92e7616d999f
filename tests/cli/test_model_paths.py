"""A model can be named by the path of its folder."""

import os
import re
import shutil

import pytest
import typer
from typer.testing import CliRunner
from worlds import serving, write_tiny

import headscope
from headscope.cli.command import cli
from headscope.cli.model_paths import with_model_paths
from headscope.cli.options import settings_from
from headscope.errors import ModelNotFound
from headscope.models.registry import Catalogue


@pytest.mark.parametrize("trailing", ["", "/", "/."])
def test_the_path_of_a_model_is_its_name_in_the_folder_above(models_dir, trailing):
    settings = settings_from(model=f"{models_dir / 'gpt2'}{trailing}")
    assert (settings.model, settings.models_dir) == ("local:gpt2", models_dir.resolve())
    assert settings.local_models == ("gpt2",)


@pytest.mark.fault(12)
@pytest.mark.parametrize("flag", ["model", "models_dir"])
def test_the_folders_beside_the_path_are_not_offered(models_dir, flag):
    settings = settings_from(**{flag: str(models_dir / "gpt2")})
    assert settings.model == "local:gpt2"
    with serving(settings) as client:
        cards = client.get("/api/v1/models").json()["models"]
        refused = client.post("/api/v1/models/load", json={"model": "local:bert"})
        unknown = client.post("/api/v1/models/load", json={"model": "local:nothing"})
        loaded = client.post("/api/v1/models/load", json={"model": "local:gpt2"})
    assert [card["id"] for card in cards if card["source"] == "local"] == ["local:gpt2"]
    assert (refused.status_code, loaded.status_code) == (404, 200)
    assert refused.json()["detail"].replace("local:bert", "local:nothing") == unknown.json()["detail"]


def test_no_message_names_a_folder_beside_the_path(tmp_path):
    write_tiny(tmp_path / "mine", "gpt2")
    (tmp_path / "private notes").mkdir()
    catalogue = Catalogue(tmp_path, names=("mine",))
    assert catalogue.skipped_folders() == []
    assert len(Catalogue(tmp_path).skipped_folders()) == 1
    assert Catalogue(tmp_path, names=()).local("mine") is None


def test_with_the_folder_of_models_all_in_it_are_offered(models_dir):
    settings = settings_from(model=str(models_dir / "gpt2"), models_dir=models_dir)
    assert (settings.model, settings.local_models) == ("local:gpt2", None)


def test_a_bare_name_in_the_folder_of_models_is_found_but_a_bundled_model_comes_first(models_dir):
    assert with_model_paths({"model": "gpt2", "models_dir": models_dir})["model"] == "local:gpt2"
    assert with_model_paths({"model": "minilm", "models_dir": models_dir})["model"] == "minilm"
    assert with_model_paths({"model": "team/other", "models_dir": models_dir})["model"] == "team/other"


def test_a_model_is_found_by_its_name_when_models_dir_is_its_own_folder(models_dir, monkeypatch):
    top = models_dir / "bert"
    monkeypatch.chdir(top)
    for model in ("bert", "local:bert", str(top), "."):
        for models in (top, "."):
            found = with_model_paths({"model": model, "models_dir": models})
            assert (found["model"], found["local_models"]) == ("local:bert", ("bert",))
    assert with_model_paths({"model": "minilm", "models_dir": top})["model"] == "minilm"
    assert with_model_paths({"model": "gpt2", "models_dir": top})["model"] == "gpt2"


def test_a_folder_of_models_is_refused_with_the_way_out(models_dir):
    result = CliRunner().invoke(cli, ["serve", "--no-open", str(models_dir)])
    assert result.exit_code == 2
    text = " ".join(result.output.split())
    assert "it has no config.json, but there are models in it, such as bert: name one" in text
    assert "--models-dir" in text
    with pytest.raises(ModelNotFound, match="models_dir="):
        headscope.load(models_dir)


def test_a_bare_name_of_a_folder_with_an_adapter_is_refused_with_what_to_do(tmp_path, capsys):
    (tmp_path / "tuned").mkdir()
    assert with_model_paths({"model": "tuned", "models_dir": tmp_path})["model"] == "tuned"
    (tmp_path / "tuned" / "adapter_config.json").touch()
    with pytest.raises(typer.Exit):
        with_model_paths({"model": "tuned", "models_dir": tmp_path})
    assert "it is an adapter" in capsys.readouterr().err
    (note,) = Catalogue(tmp_path).skipped_folders()
    assert "'tuned'" in note
    assert "not offered: it is an adapter" in note
    with pytest.raises(ModelNotFound, match="it is an adapter"):
        headscope.load("tuned", models_dir=tmp_path)


def test_a_path_that_cannot_be_offered_is_refused_with_the_way_out(models_dir, tmp_path, capsys):
    with pytest.raises(typer.Exit):
        with_model_paths({"model": str(models_dir / "gpt2"), "models_dir": tmp_path})
    assert "leave out --models-dir" in capsys.readouterr().err
    shutil.copytree(models_dir / "gpt2", tmp_path / "a b")
    with pytest.raises(typer.Exit):
        with_model_paths({"model": str(tmp_path / "a b")})
    assert "has to be letters, digits" in capsys.readouterr().err


def loop(path):
    path.symlink_to(path)


def with_config(make):
    return lambda path: path.mkdir() or make(path / "config.json")


BROKEN = {
    "a loop": (loop, "it is a loop of symbolic links"),
    "a link to nothing": (lambda path: path.symlink_to("nothing"), "there is no such folder"),
    "config.json is a loop": (with_config(loop), "config.json is a loop of symbolic links"),
    "config.json is a FIFO": (with_config(os.mkfifo), "config.json is a FIFO, not a regular file"),
    "config.json is a folder": (with_config(lambda path: path.mkdir()), "config.json is a folder, not a regular file"),
    "config.json is a link to nothing": (with_config(lambda path: path.symlink_to("nothing")), "it has no config.json"),
}


@pytest.mark.fault(45, 46)
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_folder_is_not_taken_for_a_model_of_the_hub(tmp_path, monkeypatch, capsys, kind):
    make, expected = BROKEN[kind]
    make(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    for flags in (
        {"model": "mine"},
        {"model": str(tmp_path / "mine")},
        {"models_dir": tmp_path / "mine"},
        {"models_dir": tmp_path, "model": "mine"},
    ):
        with pytest.raises(typer.Exit):
            with_model_paths(flags)
        assert f"is no folder of a model: {expected}" in capsys.readouterr().err
    result = CliRunner().invoke(cli, ["serve", "--no-open", "mine"])
    assert (result.exit_code, expected in result.output) == (2, True)
    with pytest.raises(ModelNotFound, match=re.escape(expected)):
        headscope.load(tmp_path / "mine")


@pytest.mark.parametrize(
    ("path", "expected"),
    [("./nothing", "there is no such folder"), ("./empty", "it has no config.json"), ("./file", "it is not a folder")],
)
def test_a_path_that_is_no_model_is_named(tmp_path, monkeypatch, capsys, path, expected):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(typer.Exit):
        with_model_paths({"model": path})
    assert f"{path[2:]}' is no folder of a model: {expected}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "expected"),
    [("adapter_config.json", "it is an adapter.*merge_and_unload"), ("model.gguf", "in model.gguf, but only")],
)
def test_a_path_without_a_config_says_what_is_there_instead(tmp_path, name, expected):
    (tmp_path / name).touch()
    with pytest.raises(ModelNotFound, match=f"is no folder of a model: .*{expected}"):
        headscope.load(tmp_path)


def test_an_id_of_the_hub_beside_a_folder_of_that_name_is_one_of_the_hub(tmp_path, monkeypatch):
    (tmp_path / "gpt2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert with_model_paths({"model": "gpt2"}) == {"model": "gpt2"}


def test_serve_takes_one_folder_of_a_model(models_dir, tmp_path):
    for arguments, expected in (
        ([str(tmp_path)], "is no folder of a model"),
        ([str(models_dir / "gpt2"), "--model", "x"], "not both"),
    ):
        result = CliRunner().invoke(cli, ["serve", "--no-open", *arguments])
        assert (result.exit_code, expected in result.output) == (2, True)
