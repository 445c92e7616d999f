import numpy as np
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
