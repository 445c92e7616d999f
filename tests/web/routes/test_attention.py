import io
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from worlds import serving, whole_maps

from headscope.capture.capture import run
from headscope.settings import Settings

TEXT = "The cat sat on the mat."


def post(client, accept="application/json", **body):
    return client.post("/api/v1/attention", json={"text": TEXT, **body}, headers={"Accept": accept})


def test_the_answer_has_the_fields_of_the_contract(client, loaded):
    answer = post(client, layers=[0, 2], heads=[3]).json()
    capture = run(loaded("local:gpt2"), TEXT)
    assert answer["axes"] == ["layer", "head", "query", "key"]
    assert (answer["layers"], answer["heads"], answer["quantity"]) == ([0, 2], [3], "pattern")
    assert (answer["capture"], answer["certificate"], answer["model"]["id"]) == (capture.id, None, "local:gpt2")
    assert [token["text"] for token in answer["tokens"]] == [token.text for token in capture.tokens]
    assert set(answer["tokens"][0]) == {"index", "id", "text", "start", "end", "special", "segment"}
    np.testing.assert_allclose(answer["attention"], whole_maps(capture, [0, 2], [3]), atol=1e-6)


def test_all_layers_and_heads_are_the_default(client):
    answer = post(client).json()
    assert np.shape(answer["attention"])[:2] == (3, 4)


def test_decimals_round_the_numbers_in_json(client):
    weights = np.array(post(client, decimals=2).json()["attention"])
    np.testing.assert_allclose(weights * 100, np.round(weights * 100), atol=1e-9)


def test_scores_are_before_mask_and_softmax(client):
    scores = np.array(post(client, quantity="scores", layers=[0], heads=[0], decimals=9).json()["attention"])[0, 0]
    pattern = np.array(post(client, layers=[0], heads=[0], decimals=9).json()["attention"])[0, 0]
    assert (scores[np.triu_indices(len(scores), 1)] != 0).all()
    assert (pattern[np.triu_indices(len(pattern), 1)] == 0).all()


def test_npz_contains_the_arrays_by_name_and_the_facts_as_metadata(client):
    response = post(client, "application/x-npz", layers=[1])
    held = np.load(io.BytesIO(response.content))
    assert set(held) == {"attention", "token_ids", "layers", "heads", "metadata"}
    assert held["attention"].shape[:2] == (1, 4)
    assert held["attention"].dtype == np.float32
    assert json.loads(str(held["metadata"]))["axes"] == ["layer", "head", "query", "key"]


def test_safetensors_is_served_for_the_query_parameter_format(client, tmp_path):
    from safetensors.numpy import load

    response = client.post("/api/v1/attention?format=safetensors", json={"text": TEXT})
    assert response.headers["content-type"] == "application/x-safetensors"
    assert load(response.content)["token_ids"].ndim == 1


def test_verify_adds_the_certificate(client):
    certificate = post(client, verify=True, layers=[0], heads=[0]).json()["certificate"]
    assert max(certificate["max_abs_error"]) <= 1e-5
    assert len(certificate["max_abs_error"]) == 3
    assert set(certificate) >= {"reference", "max_row_sum_error", "causal_leak", "dtype", "versions"}


@pytest.mark.fault(1, 2, 8, 10)
@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"text": ""}, "empty_text", "at least one character"),
        ({"text": " \n\t"}, "empty_text", "at least one character"),
        ({"text": "cat " * 60}, "too_many_tokens", "at most 40"),
        ({"layers": [3]}, "unknown_layer", "layer 3: local:gpt2 has layers 0..2"),
        ({"heads": [-1]}, "unknown_head", "head -1 of layer 0: local:gpt2 has heads 0..3"),
        ({"text_pair": "b"}, "pair_not_supported", "send one text"),
        ({"layers": []}, "invalid_input", "body.layers"),
        ({"layers": [True]}, "invalid_input", "body.layers.0"),
        ({"layers": [0, 1, 0]}, "invalid_input", "name each number once"),
        ({"heads": [2] * 1000}, "invalid_input", "name each number once"),
        ({"layers": [1.0]}, "invalid_input", "body.layers.0"),
        ({"decimals": 10}, "invalid_input", "body.decimals"),
        ({"text": 7}, "invalid_input", "body.text"),
        ({"quantity": "logits"}, "invalid_input", "body.quantity"),
        ({"colour": "red"}, "invalid_input", "unknown field 'colour'"),
    ],
)
def test_invalid_input_is_422_with_what_is_allowed(client, body, code, message):
    response = post(client, **body)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem["status"], problem["code"]) == (422, 422, code)
    assert message in problem["detail"]


def test_an_unknown_model_is_404(client):
    response = post(client, model="local:../secret")
    assert (response.status_code, response.json()["code"]) == (404, "model_not_found")


@pytest.mark.fault(24, decides=True)
def test_an_answer_above_the_limit_is_413_before_any_work(models_dir, monkeypatch):
    monkeypatch.setattr("headscope.capture.capture.run_prompt", None)
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_json_cells=100)
    with serving(settings) as client:
        response = post(client)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


@pytest.mark.fault(4)
@pytest.mark.parametrize("path", ["/attention", "/captures", "/estimate"])
def test_a_long_text_is_refused_before_it_is_tokenized_or_its_model_loaded(models_dir, monkeypatch, path):
    monkeypatch.setattr("headscope.models.loading.tokenize", None)
    settings = Settings(model="local:gpt2", models_dir=models_dir, max_characters=10)
    with serving(settings) as client:
        response = client.post(f"/api/v1{path}", json={"text": TEXT, "model": "local:bert"})
        assert client.app.state.runner.models.loaded("local:bert") is None
    assert (response.status_code, response.json()["code"]) == (422, "text_too_long")
    assert "at most 10" in response.json()["detail"]


# Nine characters have at most 36 bytes, and the model reads 40 tokens, at most one for each byte.
@pytest.mark.fault(5)
@settings_of_hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=9))
@example("😀 e\u0301")
@example("שלום")
@example("a\u200bb")
@example("nul\x00nul")
@example("a\r\nb")
@example("<b>1</b>")
def test_texts_of_any_script_are_served(client, text):
    response = post(client, text=text, layers=[0], heads=[0])
    assert response.status_code == 200 or (response.json()["code"] == "empty_text" and not text.strip())


def test_dumps_are_not_compressed_and_json_is(client):
    body = {"text": TEXT}
    dump = client.post("/api/v1/attention?format=npz", json=body)
    assert "content-encoding" not in dump.headers
    assert client.post("/api/v1/attention", json=body).headers["content-encoding"] == "gzip"
