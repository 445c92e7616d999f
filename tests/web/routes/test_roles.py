import io

import numpy as np
import pytest

from headscope.analysis.formulas.roles import ROLES
from headscope.analysis.roles import roles
from headscope.capture.capture import run

TEXT = "The cat sat on the mat, and the cat ran to the mat."


@pytest.fixture
def address(client):
    return client.post("/api/v1/captures", json={"text": TEXT}).headers["location"] + "/roles"


@pytest.fixture
def expected(loaded):
    return roles(run(loaded("local:gpt2"), TEXT))


def test_every_role_is_answered_with_its_rule_and_the_numbers_behind_it(client, address, expected):
    answer = client.get(address).json()
    assert [role["name"] for role in answer["roles"]] == [role.name for role in ROLES]
    for number, role in enumerate(answer["roles"]):
        assert role["held"] == expected.held[number].tolist()
        assert role["queries"] == expected.queries[number].max()
        assert role["layer_queries"] == expected.queries[number].tolist()
        for name in ("share", "chance", "left"):
            np.testing.assert_allclose(np.array(role[name], float), getattr(expected, name)[number], atol=1e-6)
        assert role["rule"]
        assert "uniform attention" in role["choice"]
    np.testing.assert_allclose(answer["sink"]["values"], expected.sink, atol=1e-6)
    assert answer["sink"]["rests"]["held"] == expected.sink_dominated.tolist()
    assert answer["sink"]["delimiter"]["held"] == expected.delimiter.tolist()


def test_a_role_without_counted_queries_is_null(client, address):
    after = next(role for role in client.get(address).json()["roles"] if role["name"] == "next")
    assert after["share"] == [[None] * 4] * 3
    assert after["held"] == [[False] * 4] * 3


def test_arrays_contain_all_roles(client, address, expected):
    found = np.load(io.BytesIO(client.get(f"{address}?format=npz").content))
    np.testing.assert_array_equal(found["held"], expected.held)
    np.testing.assert_allclose(found["share"], expected.share, atol=1e-6)
    assert client.get(f"{address}?format=safetensors").status_code == 200


def test_one_token_shows_no_role(client):
    location = client.post("/api/v1/captures", json={"text": "a"}).headers["location"]
    answer = client.get(f"{location}/roles").json()
    assert not any(np.any(role["held"]) for role in answer["roles"])
