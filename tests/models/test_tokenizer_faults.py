"""A tokenizer that passes its trial and fails on a text of a user: that text is refused, and the server goes on."""

import json
import shutil

import pytest
from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from worlds import byte_level, serving

from headscope.errors import CorruptModel, WeightsDoNotFit
from headscope.models.checker.process import CHECKER
from headscope.models.tokens import encode, read_tokenizer, tokenize
from headscope.settings import Settings

# Twice as many ways to divide the run with each further letter.
GIVES_UP = "ω" * 60 + "!"


@pytest.fixture
def gives_up():
    tokenizer = Tokenizer.from_str(byte_level().to_str())
    tokenizer.pre_tokenizer = Split(Regex("(ω|ωω)+$"), "isolated")
    return read_tokenizer(tokenizer.to_str().encode())


@pytest.fixture
def models_dir_with_fault(models_dir, tmp_path, gives_up, monkeypatch):
    """Also where the check of the model has found nothing."""
    monkeypatch.setattr(CHECKER, "tokenizer", lambda *_, **__: None)
    shutil.copytree(models_dir / "gpt2", tmp_path / "models" / "mine")
    gives_up.save(str(tmp_path / "models" / "mine" / "tokenizer.json"))
    return tmp_path / "models"


@pytest.mark.fault(46)
def test_a_panic_of_the_tokenizer_is_a_refused_text_that_no_message_repeats(gives_up):
    with pytest.raises(CorruptModel, match="the tokenizer of this model fails on this text") as refused:
        encode(gives_up, GIVES_UP)
    assert "ω" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert len(encode(gives_up, "the cat"))


def test_a_mistake_of_the_caller_is_no_fault_of_the_tokenizer(gives_up):
    with pytest.raises(TypeError):
        encode(gives_up, 5)


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [("captures", "application/json", 422), ("captures", "text/event-stream", 200), ("attention", "*/*", 422)],
)
def test_a_panic_of_the_tokenizer_is_an_answer_and_the_next_request_works(models_dir_with_fault, path, accept, status):
    with serving(Settings(model="local:mine", models_dir=models_dir_with_fault)) as client:
        refused = client.post(f"/api/v1/{path}", json={"text": GIVES_UP}, headers={"Accept": accept})
        assert refused.status_code == status
        assert '"corrupt_model"' in refused.text
        assert "ω" not in refused.text
        assert client.post(f"/api/v1/{path}", json={"text": "the cat"}).is_success


@pytest.mark.fault(46)
def test_ids_beyond_the_vocabulary_are_refused_when_a_text_makes_them(gives_up):
    ids = encode(gives_up, "the cat").ids
    assert len(tokenize(gives_up, "the cat", None, pairs=False, embeddings=max(ids) + 1)[0]) == len(ids)
    with pytest.raises(WeightsDoNotFit, match=rf"makes the token {max(ids)}, config\.json has embeddings for 0\.\."):
        tokenize(gives_up, "the cat", None, pairs=False, embeddings=max(ids))


@pytest.mark.fault(46)
def test_a_segment_that_is_neither_text_nor_pair_is_refused():
    tokenizer = Tokenizer.from_str(byte_level().to_str())
    tokenizer.post_processor = TemplateProcessing(single="$A:9", pair="$A $B", special_tokens=[])
    with pytest.raises(CorruptModel, match="gives a token the segment 9"):
        tokenize(tokenizer, "the cat", None, pairs=False)


@pytest.mark.fault(46)
def test_dropout_of_a_tokenizer_is_switched_off():
    tokenizer = Tokenizer(BPE({"a": 0, "b": 1, "ab": 2}, [("a", "b")], dropout=0.5))
    read = read_tokenizer(tokenizer.to_str().encode())
    assert json.loads(tokenizer.to_str())["model"]["dropout"] == 0.5
    assert {tuple(encode(read, "ab" * 20).ids) for _ in range(20)} == {(2,) * 20}
