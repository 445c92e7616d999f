"""The memory that a foreign tokenizer needs is reserved before it gets the text."""

import shutil

import pytest
from model_files import data_of, gpt2_tokenizer
from tokenizers.normalizers import Replace
from worlds import serving

from headscope.engine.tokenizing import BYTES_PER_BYTE, bytes_needed
from headscope.records import Prompt
from headscope.settings import Settings

CALLS = (("captures", "*/*"), ("captures", "text/event-stream"), ("estimate", "*/*"), ("attention", "*/*"))


@pytest.fixture
def client(models_dir, tmp_path):
    """A model whose tokenizer makes four bytes of one, with 8 MB for requests."""
    folder = shutil.copytree(models_dir / "gpt2", tmp_path / "models" / "mine")
    (folder / "tokenizer.json").write_bytes(data_of(gpt2_tokenizer(normalizer=Replace("x", "yyyy"))))
    settings = Settings(model="local:mine", models_dir=folder.parent, max_capture_bytes=2**23)
    with serving(settings) as client:
        assert client.post("/api/v1/models/load", json={"model": "local:mine"}).is_success
        yield client


@pytest.fixture
def never_tokenized(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the text was tokenized")

    monkeypatch.setattr("headscope.models.tokens.encode", refuse)


def post(client, path, accept="*/*", **body):
    return client.post(f"/api/v1/{path}", json=body, headers={"Accept": accept})


@pytest.mark.fault(40, 46)
@pytest.mark.parametrize(("path", "accept"), CALLS)
def test_a_text_that_would_need_more_than_all_memory_is_refused_before_it_is_tokenized(
    client, never_tokenized, path, accept
):
    answer = post(client, path, accept, text="x" * 7000)
    assert answer.status_code == (200 if "event" in accept else 413)
    assert '"too_large"' in answer.text
    needed = 7000 * 4 * BYTES_PER_BYTE
    assert f"tokenizing this text with the tokenizer of local:mine takes {needed:,} bytes" in answer.text


@pytest.mark.fault(40, 46)
def test_a_text_waits_for_memory_that_others_hold_and_a_truncated_one_counts_twice(client, never_tokenized):
    ledger = client.app.state.runner.ledger
    with ledger.reserve("answers", 5 * 2**20, "the answer of another"):
        answer = post(client, "estimate", text="x" * 3000)
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert post(client, "estimate", text="x" * 4000, truncate=True).status_code == 413


@pytest.mark.fault(40)
def test_both_texts_of_a_pair_are_counted(loaded):
    model = loaded("local:bert")
    assert bytes_needed(model, Prompt("ab", "cd")) == 4 * BYTES_PER_BYTE
    assert bytes_needed(model, Prompt("ab", "中")) == (2 + 3 * 3) * BYTES_PER_BYTE


def test_the_memory_is_given_back_after_tokenizing(client):
    ledger = client.app.state.runner.ledger
    assert post(client, "estimate", text="x" * 3000).json()["code"] == "too_many_tokens"
    assert ledger.bytes("texts") == 0


def test_texts_for_a_bundled_model_and_short_ones_are_not_counted(client):
    assert post(client, "captures", text="x y", model="gpt2-mini").is_success
    assert post(client, "captures", text="the cat").is_success
