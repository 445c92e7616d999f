"""A model can be named by the path of its folder."""

import shutil

import pytest
import typer
from typer.testing import CliRunner

from headscope.cli.command import cli
from headscope.cli.model_paths import with_model_paths
from headscope.cli.options import settings_from


@pytest.mark.parametrize("trailing", ["", "/", "/."])
def test_the_path_of_a_model_is_its_name_in_the_folder_above(models_dir, trailing):
    settings = settings_from(model=f"{models_dir / 'gpt2'}{trailing}")
    assert (settings.model, settings.models_dir) == ("local:gpt2", models_dir.resolve())


def test_a_folder_of_models_that_is_a_model_itself_offers_it(models_dir):
    settings = settings_from(models_dir=models_dir / "gpt2")
    assert (settings.model, settings.models_dir) == ("local:gpt2", models_dir.resolve())


def test_a_bare_name_in_the_folder_of_models_is_found_but_a_bundled_model_comes_first(models_dir):
    assert with_model_paths({"model": "gpt2", "models_dir": models_dir})["model"] == "local:gpt2"
    assert with_model_paths({"model": "minilm", "models_dir": models_dir})["model"] == "minilm"
    assert with_model_paths({"model": "team/other", "models_dir": models_dir})["model"] == "team/other"


def test_a_path_that_cannot_be_offered_is_refused_with_the_way_out(models_dir, tmp_path, capsys):
    with pytest.raises(typer.Exit):
        with_model_paths({"model": str(models_dir / "gpt2"), "models_dir": tmp_path})
    assert "leave out --models-dir" in capsys.readouterr().err
    shutil.copytree(models_dir / "gpt2", tmp_path / "a b")
    with pytest.raises(typer.Exit):
        with_model_paths({"model": str(tmp_path / "a b")})
    assert "has to be letters, digits" in capsys.readouterr().err


def test_serve_takes_one_folder_of_a_model(models_dir, tmp_path):
    for arguments, expected in (
        ([str(tmp_path)], "is no folder of a model"),
        ([str(models_dir / "gpt2"), "--model", "x"], "not both"),
    ):
        result = CliRunner().invoke(cli, ["serve", "--no-open", *arguments])
        assert (result.exit_code, expected in result.output) == (2, True)
