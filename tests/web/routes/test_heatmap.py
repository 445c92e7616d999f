import io
import json

import numpy as np
import pytest
from worlds import serving

from headscope.capture.capture import run
from headscope.capture.windows import head_window, window

TEXT = "The cat sat on the mat, and a dog ran."


@pytest.fixture
def capture(client):
    return client.post("/api/v1/captures", json={"text": TEXT})


def get(client, capture, layer, head, query=""):
    return client.get(f"{capture.headers['location']}/heads/{layer}/{head}?{query}")


def test_a_head_is_served_as_its_pattern(client, capture, loaded):
    answer = get(client, capture, 1, 2).json()
    captured = run(loaded("local:gpt2"), TEXT)
    expected = head_window(captured, 1, 2, window(len(captured.tokens), None, None, None))
    np.testing.assert_allclose(answer["values"], expected, atol=1e-6)
    assert (answer["layer"], answer["head"], answer["quantity"], answer["pool"]) == (1, 2, "pattern", "max")
    assert (answer["axes"], answer["exact"], answer["query_step"], answer["key_step"]) == (["query", "key"], True, 1, 1)
    assert answer["rows"] == answer["columns"] == [0, len(captured.tokens)]


def test_a_window_is_a_part_of_the_pattern(client, capture):
    whole = np.array(get(client, capture, 0, 3).json()["values"])
    part = get(client, capture, 0, 3, "rows=2:5&columns=1:9").json()
    assert (part["rows"], part["columns"]) == ([2, 5], [1, 9])
    np.testing.assert_allclose(part["values"], whole[2:5, 1:9], atol=1e-7)


def test_a_pattern_larger_than_the_requested_cells_is_pooled(client, capture):
    answer = get(client, capture, 0, 0, "cells=4").json()
    assert max(np.shape(answer["values"])) <= 4
    assert answer["query_step"] == -(-answer["rows"][1] // 4)


def test_scores_are_served_on_request(client, capture):
    assert np.min(get(client, capture, 0, 0, "quantity=scores").json()["values"]) < 0


def test_npy_has_the_same_facts_in_a_header(client, capture):
    response = get(client, capture, 2, 1, "format=npy")
    facts = json.loads(response.headers["x-headscope"])
    answer = get(client, capture, 2, 1).json()
    np.testing.assert_allclose(np.load(io.BytesIO(response.content)), answer.pop("values"), atol=1e-6)
    assert facts == answer


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    ("layer", "head", "query", "code", "message"),
    [
        (3, 0, "", "unknown_layer", "has layers 0..2"),
        (-1, 0, "", "unknown_layer", "has layers 0..2"),
        (0, 4, "", "unknown_head", "has heads 0..3"),
        (0, 0, "rows=5:5", "invalid_window", "0 <= a < b"),
        (0, 0, "columns=0:9999", "invalid_window", "0 <= a < b"),
        (0, 0, "rows=5", "invalid_window", "write a:b"),
        (0, 0, "rows=-1:4", "invalid_window", "write a:b"),
        (0, 0, "rows=²:4", "invalid_window", "write a:b"),
        (0, 0, "cells=0", "invalid_input", "cells"),
        ("one", 0, "", "invalid_input", "layer"),
        ("+1", 0, "", "invalid_input", "must be a whole number"),
        (0, "0_3", "", "invalid_input", "must be a whole number"),
        ("1" * 4000, 0, "", "invalid_input", "must be a whole number of at most nine digits"),
        (0, 0, "cells=" + "9" * 50, "invalid_input", "must be a whole number of at most nine digits"),
        (0, 0, "rows=\u0661:3", "invalid_window", "write a:b"),
    ],
)
def test_a_parameter_out_of_range_is_422_with_the_range(client, capture, layer, head, query, code, message):
    response = get(client, capture, layer, head, query)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert message in response.json()["detail"]


@pytest.mark.fault(24)
def test_more_weights_than_allowed_are_413_and_the_message_suggests_fewer_cells(settings):
    with serving(settings.model_copy(update={"max_json_cells": 8})) as client:
        capture = client.post("/api/v1/captures", json={"text": "The cat sat"})
        refused, taken = get(client, capture, 0, 0), get(client, capture, 0, 0, "cells=2")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert "8: ask for fewer cells" in refused.json()["detail"]
    assert taken.status_code == 200
