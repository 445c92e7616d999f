import io

import numpy as np
import pytest

from headscope.analysis.similarity import similarity
from headscope.capture.capture import run

TEXT = "The cat sat on the mat, and the cat ran to the mat."


@pytest.fixture
def address(client):
    return client.post("/api/v1/captures", json={"text": TEXT}).headers["location"] + "/similarity"


def test_each_pair_of_heads_is_compared_and_each_head_has_a_place_on_the_chart(client, address, loaded):
    answer, expected = client.get(address).json(), similarity(run(loaded("local:gpt2"), TEXT), range(3))
    for name, array in (
        ("jensen_shannon", expected.jensen_shannon),
        ("cosine", expected.cosine),
        ("places", expected.places),
    ):
        np.testing.assert_allclose(answer[name], array, atol=1e-5)
    assert (answer["layers"], answer["heads"]) == ([0, 1, 2], 4)
    assert answer["exact"] is True
    assert 0 < answer["map"]["shown"] <= 1
    assert [measure["name"] for measure in answer["collapse"]] == ["sink", "low_rank", "low_entropy", "near_duplicate"]


def test_a_comparison_of_fewer_rows_is_marked_as_not_exact(client, address):
    answer = client.get(f"{address}?rows=2&layers=1").json()
    assert (answer["exact"], answer["rows"], answer["layers"]) == (False, 2, [1])
    assert np.shape(answer["jensen_shannon"]) == (4, 4)


def test_arrays_are_named(client, address):
    found = np.load(io.BytesIO(client.get(f"{address}?format=npz").content))
    assert {"jensen_shannon", "cosine", "places", "entropy", "first", "effective_rank"} <= set(found)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("layers=3", "unknown_layer"),
        ("layers=a", "invalid_input"),
        ("rows=0", "invalid_input"),
        ("heads=1", "invalid_input"),
    ],
)
def test_invalid_parameters_are_refused(client, address, query, code):
    response = client.get(f"{address}?{query}")
    assert (response.status_code, response.json()["code"]) == (422, code)


def test_all_heads_are_alike_for_one_token(client):
    location = client.post("/api/v1/captures", json={"text": "a"}).headers["location"]
    answer = client.get(f"{location}/similarity").json()
    assert not np.any(answer["jensen_shannon"])
    np.testing.assert_allclose(answer["cosine"], 1, atol=1e-6)
    assert not np.any(answer["places"])
