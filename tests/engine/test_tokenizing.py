"""The memory that a foreign tokenizer needs is reserved before it gets the text."""

import asyncio
import shutil
from threading import Event, Thread

import pytest
from model_files import data_of, gpt2_tokenizer
from tokenizers.normalizers import Replace
from worlds import serving, until

from headscope.engine import tokenizing
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
def test_a_text_that_gets_no_memory_is_refused_and_a_truncated_one_counts_twice(client, never_tokenized):
    ledger = client.app.state.runner.ledger
    ledger.job_seconds = 0
    with ledger.reserve("answers", 5 * 2**20, "the answer of another"):
        answer = post(client, "estimate", text="x" * 3000)
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert post(client, "estimate", text="x" * 4000, truncate=True).status_code == 413


@pytest.mark.fault(21, 40, 46)
@pytest.mark.parametrize(("path", "accept"), CALLS)
def test_a_text_waits_for_memory_that_others_hold(client, path, accept):
    ledger, short, answers = client.app.state.runner.ledger, Event(), []
    ledger.on_shortage.append(short.set)
    others = ledger.reserve("answers", 5 * 2**20, "the answer of another")
    waiting = Thread(target=lambda: answers.append(post(client, path, accept, text="x" * 3000)))
    waiting.start()
    assert short.wait(30)
    # A text that needs little memory is not delayed, and one that needs too much is refused at once.
    assert post(client, "estimate", text="the cat").status_code == 200
    assert post(client, "estimate", text="x" * 7000).status_code == 413
    others.release()
    waiting.join()
    assert "too_many_tokens" in answers[0].text
    assert ledger.bytes("texts") == 0


@pytest.mark.fault(21)
@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
def test_a_run_that_has_a_place_in_the_queue_is_tokenized_however_many_other_texts_wait(client, monkeypatch, accept):
    pool, go_on, needed = client.app.state.runner.pools.tokenizers, Event(), tokenizing.bytes_needed
    monkeypatch.setattr(pool, "max_waiting", 1)
    monkeypatch.setattr(tokenizing, "bytes_needed", lambda *given: go_on.wait(60) and needed(*given))
    found = {}

    def send(path, text):
        found[text] = post(client, path, accept if path == "captures" else "*/*", text=text)

    work = [Thread(target=send, args=("estimate", text)) for text in ("the cat", "the dog", "the mat")]
    work.append(Thread(target=send, args=("captures", "the cat sat")))
    for number, thread in enumerate(work, 1):
        thread.start()
        until(lambda number=number: pool.workers.borrowed_tokens + pool.waiting == number)
    refused = post(client, "estimate", text="the bird")
    go_on.set()
    for thread in work:
        thread.join()
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert refused.headers["retry-after"]
    assert [answer.is_success for answer in found.values()] == [True] * 4
    assert "busy" not in found["the cat sat"].text


@pytest.mark.fault(22, 40)
def test_a_text_whose_client_leaves_waits_no_longer(client, never_tokenized):
    runner, short = client.app.state.runner, Event()
    runner.ledger.on_shortage.append(short.set)

    async def leave():
        prompt = Prompt("x" * 3000, model="local:mine")
        request = asyncio.create_task(runner.estimate(prompt, 48))
        assert await asyncio.to_thread(short.wait, 30)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        await runner.pools.memory.run(str)  # its only worker is free again

    with runner.ledger.reserve("answers", 5 * 2**20, "the answer of another"):
        client.portal.call(asyncio.wait_for, leave(), 30)
    assert runner.ledger.bytes("texts") == 0


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
