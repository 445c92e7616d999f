import io
import json

import numpy as np
import pytest

from headscope.capture.capture import run
from headscope.capture.windows import overview

TEXT = "The cat sat on the mat, and a dog ran."


@pytest.fixture
def address(client):
    return client.post("/api/v1/captures", json={"text": TEXT}).headers["location"] + "/overview"


def test_the_overview_is_every_head_pooled(client, address, loaded):
    answer = client.get(f"{address}?cells=5&pool=mean").json()
    expected, part = overview(run(loaded("local:gpt2"), TEXT), 5, "mean")
    assert answer["axes"] == ["layer", "head", "query", "key"]
    assert (answer["query_step"], answer["key_step"], answer["pool"]) == (part.query_step, part.key_step, "mean")
    np.testing.assert_allclose(answer["values"], expected, atol=1e-6)


def test_the_overview_as_npy_has_its_facts_in_a_header(client, address):
    response = client.get(address, headers={"Accept": "application/x-npy"})
    facts = json.loads(response.headers["x-headscope"])
    values = np.load(io.BytesIO(response.content))
    assert values.dtype == np.float32
    assert values.shape[:2] == (3, 4)
    assert facts["rows"] == [0, values.shape[2]]
    assert facts["axes"] == ["layer", "head", "query", "key"]


def test_an_overview_that_the_client_has_is_304(client, address):
    first = client.get(address)
    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert client.get(f"{address}?cells=3").headers["etag"] != first.headers["etag"]
    assert client.get(f"{address}?format=npy").headers["etag"] != first.headers["etag"]
    assert "max-age" in first.headers["cache-control"]


@pytest.mark.parametrize("query", ["cells=0", "cells=513", "cells=x", "pool=median"])
def test_a_resolution_out_of_range_is_422(client, address, query):
    response = client.get(f"{address}?{query}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")
