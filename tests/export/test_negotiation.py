import io
import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open

from headscope.errors import NotAcceptable, TooLarge
from headscope.export.formats import Answer
from headscope.export.negotiation import check_cells, encode, format_of

ANSWER = Answer(
    {"axes": ["query", "key"], "tokens": [{"text": "ß"}]},
    {"values": np.array([[0.123456789, 1.0]], dtype=np.float32), "layers": np.array([3])},
    "values",
)


def test_json_contains_facts_and_arrays():
    answer = json.loads(encode(ANSWER, "json").body)
    assert answer.keys() == {"axes", "tokens", "values", "layers"}
    assert (answer["axes"], answer["tokens"], answer["layers"]) == (["query", "key"], [{"text": "ß"}], [3])


def test_json_without_rounding_gives_the_float32_back():
    values = np.array(json.loads(encode(ANSWER, "json").body)["values"], dtype=np.float32)
    np.testing.assert_array_equal(values, ANSWER.arrays["values"])


def test_npy_is_the_main_array_with_the_facts_in_a_header():
    encoded = encode(ANSWER, "npy")
    np.testing.assert_array_equal(np.load(io.BytesIO(encoded.body)), ANSWER.arrays["values"])
    assert json.loads(encoded.headers["X-Headscope"]) == {"axes": ["query", "key"]}
    assert encoded.headers["X-Headscope"].isascii()


def test_the_header_of_npy_stays_below_the_buffers_of_proxies():
    grow = {"collapse": [{"heads": [[0, 0]] * 144}], "of": [[0, 0]] * 144, "layers": list(range(1000))}
    facts = {"axes": ["head", "head"], **grow, **{f"fact {n}": "x" * 400 for n in range(20)}}
    header = encode(replace(ANSWER, facts=facts), "npy").headers["X-Headscope"]
    kept = json.loads(header)
    assert len(header) <= 3000
    assert kept["axes"] == ["head", "head"]
    assert not kept.keys() & grow.keys()


def test_npz_contains_every_array_and_the_facts():
    held = np.load(io.BytesIO(encode(ANSWER, "npz").body), allow_pickle=False)
    assert set(held) == {"values", "layers", "metadata"}
    assert json.loads(str(held["metadata"])) == ANSWER.facts


def test_safetensors_contains_every_array_and_the_facts(tmp_path):
    (tmp_path / "x").write_bytes(encode(ANSWER, "safetensors").body)
    with safe_open(tmp_path / "x", "np") as held:
        np.testing.assert_array_equal(held.get_tensor("values"), ANSWER.arrays["values"])
        assert json.loads(held.metadata()["tokens"]) == [{"text": "ß"}]


@pytest.mark.parametrize(
    ("accept", "name", "expected"),
    [
        (None, None, "json"),
        ("*/*", None, "json"),
        ("", None, "json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", None, "json"),
        ("application/x-npy", None, "npy"),
        ("application/json;q=0.5, application/x-npz", None, "npz"),
        ("application/json;q=0, application/x-safetensors;q=0.1", None, "safetensors"),
        ("text/csv", "npy", "npy"),
    ],
)
def test_the_format_is_that_of_the_query_or_the_best_of_accept(accept, name, expected):
    assert format_of(accept, name) == expected


@pytest.mark.parametrize("accept", ["text/csv", "application/json;q=0", "application/json;q=x"])
def test_an_unknown_media_type_is_refused_with_the_known_ones(accept):
    with pytest.raises(NotAcceptable, match=r"application/x-npy"):
        format_of(accept, None)


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(NotAcceptable, match=r"'csv'.*json, npy, npz, safetensors"):
        format_of(None, "csv")


@pytest.mark.fault(24)
def test_an_answer_above_the_limit_is_refused_with_what_to_do():
    check_cells(100, "json", max_cells=1000, max_json_cells=100)
    with pytest.raises(TooLarge, match=r"101 weights.*100.*x-npz"):
        check_cells(101, "json", max_cells=1000, max_json_cells=100)
    check_cells(1000, "npz", max_cells=1000, max_json_cells=100)
    with pytest.raises(TooLarge, match="fewer layers or heads"):
        check_cells(1001, "npz", max_cells=1000, max_json_cells=100)
