import json

import numpy as np
import pytest
from encoder_decoders import write
from worlds import serving, write_tiny

from headscope.analysis.induction import probe
from headscope.settings import Settings


def test_the_standard_probe_scores_every_head(client, loaded):
    answer = client.post("/api/v1/probes/induction", json={"model": "local:gpt2"}).json()
    assert [score["name"] for score in answer["scores"]] == ["previous", "duplicate", "induction"]
    expected = probe(loaded("local:gpt2"))
    for score, values in zip(answer["scores"], expected.values, strict=True):
        np.testing.assert_allclose(score["values"], values, atol=1e-6)
        assert min(map(min, score["ranks"])) == 1
    assert answer["model"]["id"] == "local:gpt2"
    assert f"{answer['sequences']} sequences of {answer['length']} random tokens" in answer["choice"]
    assert not answer["choice"].endswith(".")


def test_an_unknown_model_is_404(client):
    assert client.post("/api/v1/probes/induction", json={"model": "local:none"}).json()["code"] == "model_not_found"


def test_a_model_that_reads_too_few_tokens_is_refused_with_their_number(tmp_path):
    write_tiny(tmp_path / "short", "gpt2", n_positions=6)
    with serving(Settings(model="local:short", models_dir=tmp_path)) as client:
        response = client.post("/api/v1/probes/induction", json={})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")
    assert "reads at most 6 tokens" in response.json()["detail"]


def add_words(folder, words):
    data = json.loads((folder / "tokenizer.json").read_text())
    data["model"]["vocab"] |= words
    (folder / "tokenizer.json").write_text(json.dumps(data))


@pytest.mark.fault(46)
def test_words_without_an_embedding_are_no_tokens_of_the_probe(tmp_path):
    for name in ("plain", "more"):
        write(tmp_path / name, "t5")
    add_words(tmp_path / "more", {f"beyond{number}": number for number in range(64, 200)} | {"twice": 20})
    found = []
    for name in ("plain", "more"):
        with serving(Settings(model=f"local:{name}", models_dir=tmp_path)) as client:
            answer = client.post("/api/v1/probes/induction", json={})
            assert answer.status_code == 200
            found.append(answer.json()["scores"])
    assert found[0] == found[1]


@pytest.mark.fault(46)
def test_a_start_token_that_the_model_does_not_know_is_no_token_of_the_probe(tmp_path):
    write(tmp_path / "t5", "t5")
    add_words(tmp_path / "t5", {"<|endoftext|>": 63})
    tokenizer = json.loads((tmp_path / "t5" / "tokenizer.json").read_text())
    (tmp_path / "t5" / "tokenizer.json").write_text(json.dumps({**tokenizer, "post_processor": None}))
    config = json.loads((tmp_path / "t5" / "config.json").read_text())
    del config["bos_token_id"]
    (tmp_path / "t5" / "config.json").write_text(json.dumps(config))
    with serving(Settings(model="local:t5", models_dir=tmp_path)) as client:
        assert client.post("/api/v1/probes/induction", json={}).status_code == 200


@pytest.mark.fault(46)
def test_a_vocabulary_of_too_few_words_is_refused_with_their_number(tmp_path):
    write(tmp_path / "t5", "t5")
    data = json.loads((tmp_path / "t5" / "tokenizer.json").read_text())
    words = data["model"]["vocab"].items()
    data["model"]["vocab"] = {word: number for word, number in words if number < 6}
    data["model"]["vocab"] |= {f"beyond{number}": number for number in range(64, 80)}
    (tmp_path / "t5" / "tokenizer.json").write_text(json.dumps(data))
    with serving(Settings(model="local:t5", models_dir=tmp_path)) as client:
        answer = client.post("/api/v1/probes/induction", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "has 3 words with an embedding, too few for the probe, which repeats at least 4" in answer.json()["detail"]
