"""The Python library."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from encoder_decoders import write as write_encoder_decoder
from worlds import write_tiny

import headscope
from headscope.capture.capture import run
from headscope.capture.windows import head_window, window
from headscope.errors import InvalidInput, ModelNotFound, TooManyTokens, UnknownHead, UnknownLayer, UnknownStack

TEXT = "The cat sat on the mat."


@pytest.fixture(scope="module")
def model():
    return headscope.load("gpt2-mini")


@pytest.fixture(scope="module")
def captured(model):
    return model.capture(TEXT)


def test_a_head_has_the_pattern_of_a_capture(model, captured, loaded):
    wanted = run(loaded("gpt2-mini"), TEXT)
    whole = window(len(wanted.tokens), None, None, None)
    np.testing.assert_array_equal(captured[3, 1].pattern, head_window(wanted, 3, 1, whole))
    np.testing.assert_array_equal(captured[3, 1].scores, head_window(wanted, 3, 1, whole, quantity="scores"))
    assert captured.tokens == [token.text for token in wanted.tokens]
    assert captured[3, 1].pattern.sum(-1) == pytest.approx(1)


def test_a_window_of_a_head_is_that_part_of_its_pattern(captured):
    head = captured[1, 2]
    np.testing.assert_allclose(head.window((2, 5), (0, 4)), head.pattern[2:5, :4], atol=1e-7)
    assert head.window(cells=2).shape == (2, 2)


def test_a_run_goes_through_all_its_heads_in_order(captured):
    places = [(head.layer, head.head) for head in captured]
    assert places == [(layer, head) for layer in range(4) for head in range(8)]
    assert (captured.layers, captured.heads(0)) == ([0, 1, 2, 3], 8)
    assert captured.overview(4).shape[:2] == (4, 8)


def test_scores_and_roles_have_a_number_for_each_head(captured):
    scores = captured.scores("entropy,first")
    assert {name: values.shape for name, values in scores.items()} == {"entropy": (4, 8), "first": (4, 8)}
    assert captured.scores().keys() > scores.keys()
    roles = captured.roles()
    assert {values.dtype for values in roles.values()} == {np.dtype(bool)}
    assert {values.shape for values in roles.values()} == {(4, 8)}


def test_a_run_can_be_verified(captured):
    assert max(captured.verify().max_abs_error) <= 1e-5


@pytest.mark.parametrize("name", [str, Path, lambda path: path.name], ids=["a text", "a Path", "a name"])
def test_a_folder_is_loaded_by_its_path(tmp_path, name, monkeypatch):
    """Also by its name in the current directory, as with the command."""
    folder = tmp_path / "mine"
    folder.mkdir()
    write_tiny(folder, "bert")
    monkeypatch.chdir(tmp_path)
    model = headscope.load(name(folder))
    assert (model.card.id, model.card.family) == ("local:mine", "bert")
    pair = model.capture("The cat sat.", "A dog ran.")
    assert {token.segment for token in pair.captured.tokens} == {0, 1}


def test_a_folder_in_models_dir_is_loaded_by_its_name(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    write_tiny(folder, "gpt2")
    for name, top in (("local:mine", tmp_path), ("mine", tmp_path), ("mine", folder)):
        card = headscope.load(name, models_dir=top).card
        assert (card.id, card.family) == ("local:mine", "gpt2")
    with pytest.raises(ModelNotFound, match="no model 'mine'"):
        headscope.load("mine", models_dir=tmp_path, local_models=("other",), hub_models=())


def test_errors_name_what_exists(captured, model):
    with pytest.raises(ModelNotFound, match="minilm, gpt2-mini"):
        headscope.load("local:nothing")
    with pytest.raises(UnknownLayer, match=r"layers 0\.\.3"):
        captured[4, 0]
    with pytest.raises(UnknownHead, match=r"heads 0\.\.7"):
        captured[0, 8]
    with pytest.raises(TooManyTokens, match="at most 512"):
        model.capture("word " * 600)
    assert len(model.capture("word " * 600, truncate=True).tokens) == 512


@pytest.mark.parametrize("document", ["docs/library.md", "README.md"])
def test_the_examples_in_the_documentation_run(document):
    text = (Path(__file__).parents[1] / document).read_text()
    for example in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_package_is_imported_without_torch():
    check = "import headscope, sys; print('torch' in sys.modules, 'load' in dir(headscope), headscope.load.__name__)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "load"]


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = headscope.lode


def test_a_run_keeps_values_norms_and_the_last_state_if_it_is_asked_to(model, captured):
    run = model.capture(TEXT, extras=("values", "stream", "hidden"))
    tokens, width = len(run.tokens), model.card.d_model
    assert run.values(3).shape == (model.card.kv_heads, tokens, model.card.head_dim)
    assert run.stream_norms(0).shape == (tokens,)
    assert run.hidden.shape == (tokens, width)
    with pytest.raises(InvalidInput, match=r'not kept "values": capture the text with extras=\["values"\]'):
        captured.values(0)
    with pytest.raises(UnknownLayer):
        run.values(4)


@pytest.fixture(scope="module")
def bart(tmp_path_factory):
    return headscope.load(write_encoder_decoder(tmp_path_factory.mktemp("bart") / "bart", "bart"))


def test_a_run_with_a_target_has_three_stacks(bart):
    run = bart.capture("the cat sat on a mat", target="a dog saw the bird")
    cross = run.stack("cross")
    assert run.target_tokens == ["<pad>", "a", "dog", "saw", "the", "bird"]
    assert run[1, 2].pattern.shape == (7, 7)
    assert (cross[1, 1].pattern.shape, run.stack("decoder")[2, 0].pattern.shape) == ((6, 7), (6, 6))
    np.testing.assert_allclose(cross[1, 1].pattern.sum(1), 1, atol=1e-6)
    assert (cross.layers, cross.heads(2)) == ([0, 1, 2], 2)
    with pytest.raises(UnknownStack, match="encoder, decoder and cross"):
        run.stack("middle")


def test_the_model_writes_a_target_that_is_not_given(bart):
    run = bart.capture("the cat sat on a mat")
    assert run.target == bart.capture("the cat sat on a mat", target=None).target
    assert len(run.target_tokens) > 1
    assert bart.capture("the cat", target="a dog").target == "a dog"


def test_extras_of_a_stack_are_those_of_its_layers(bart):
    run = bart.capture("the cat sat on a mat", target="a dog saw the bird", extras=["values"])
    assert [run.stack(name).values(1).shape[1] for name in ("encoder", "decoder", "cross")] == [7, 6, 7]
