import io
import json

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors

from headscope.analysis.scores import per_head, per_query, ranks
from headscope.analysis.table import BY_NAME, ROW_SCORES
from headscope.capture.capture import run

TEXT = "The cat sat on the mat, and the cat ran to the mat."


@pytest.fixture
def address(client):
    return client.post("/api/v1/captures", json={"text": TEXT}).headers["location"] + "/scores"


@pytest.fixture
def capture(loaded):
    return run(loaded("local:gpt2"), TEXT)


def numbers(nested):
    """Null becomes NaN."""
    return np.array(nested, dtype=float)


def test_every_score_is_served_with_its_ranks_and_its_definition(client, address, capture):
    answer = client.get(address).json()
    values = per_head(capture, ROW_SCORES)
    assert [score["name"] for score in answer["scores"]] == list(BY_NAME)
    assert (answer["axes"], answer["per"]) == (["layer", "head"], "head")
    for score, value, rank in zip(answer["scores"], values, ranks(values), strict=True):
        np.testing.assert_allclose(numbers(score["values"]), value, atol=1e-6)
        np.testing.assert_array_equal(numbers(score["ranks"]), rank)
        assert all(score[name] for name in ("title", "unit", "formula", "choice"))
        assert score["source"]["link"].startswith("https://")


def test_an_undefined_score_is_null(client, address):
    score = client.get(f"{address}?names=delimiter").json()["scores"][0]
    assert score["values"] == score["ranks"] == [[None] * 4] * 3


def test_scores_per_query_are_served_on_request(client, address, capture):
    answer = client.get(f"{address}?names=first,self&per=query").json()
    expected = per_query(capture, [BY_NAME["first"], BY_NAME["self"]])
    assert answer["axes"] == ["layer", "head", "query"]
    for score, value in zip(answer["scores"], expected, strict=True):
        np.testing.assert_allclose(numbers(score["values"]), value, atol=1e-6)
        assert "ranks" not in score


def test_arrays_contain_all_scores(client, address, capture):
    values = per_head(capture, ROW_SCORES)
    npy = client.get(f"{address}?format=npy")
    np.testing.assert_allclose(np.load(io.BytesIO(npy.content)), values, atol=1e-6)
    facts = json.loads(npy.headers["x-headscope"])
    assert facts["axes"] == ["score", "layer", "head"]
    assert facts["scores"] == list(BY_NAME)
    named = load_safetensors(client.get(f"{address}?format=safetensors").content)
    np.testing.assert_array_equal(named["ranks"], ranks(values))


def test_scores_and_roles_are_served_in_one_answer(client, address):
    both = client.get(f"{address}?names=entropy,first&roles=true").json()
    scores = client.get(f"{address}?names=entropy,first").json()
    roles = client.get(address.replace("/scores", "/roles")).json()
    assert {name: both[name] for name in scores} == scores
    assert (both["roles"], both["sink"], both["role_axes"]) == (roles["roles"], roles["sink"], roles["axes"])


def test_arrays_of_scores_and_roles_are_those_of_both_answers(client, address):
    both, scores, roles = (
        np.load(io.BytesIO(client.get(f"{path}format=npz").content))
        for path in (f"{address}?roles=true&", f"{address}?", address.replace("/scores", "/roles?"))
    )
    assert set(both) == set(scores) | set(roles)
    for part in (scores, roles):
        for name in set(part) - {"metadata"}:
            np.testing.assert_array_equal(both[name], part[name])
    facts = json.loads(str(both["metadata"]))
    assert (facts["axes"], facts["role_axes"]) == (["score", "layer", "head"], ["role", "layer", "head"])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("names=entropy,charm", "'charm' is not a score; choose from entropy,"),
        ("names=first,first", "name each score once"),
        ("names=", "is not a score"),
        ("per=key", "per"),
        ("per=query&roles=true", "roles are per head"),
        ("score=first", "unknown here"),
    ],
)
def test_invalid_parameters_are_422_with_the_valid_ones(client, address, query, message):
    response = client.get(f"{address}?{query}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")
    assert message in response.json()["detail"]


def test_roles_do_not_fit_into_npy(client, address):
    response = client.get(f"{address}?roles=true", headers={"Accept": "application/x-npy"})
    assert (response.status_code, response.json()["code"]) == (406, "not_acceptable")
    assert "npz" in response.json()["detail"]


def test_a_capture_that_does_not_exist_is_404(client):
    assert client.get(f"/api/v1/captures/{'0' * 32}/scores").json()["code"] == "capture_gone"


def test_scores_that_the_client_has_are_304(client, address):
    etag = client.get(address).headers["etag"]
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
