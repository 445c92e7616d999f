"""GET /api/v1/captures/{id}/dump: the numbers of POST /attention as a stream that is never in memory as a whole."""

import io
import json
import weakref
from threading import Event

import httpx2
import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors
from worlds import live, serving, until, whole_maps

from headscope.capture import windows
from headscope.capture.capture import run

TEXT = "The cat sat on the mat, and a dog ran."
HEAD_WINDOW = windows.head_window


def captured(client, text=TEXT):
    """The path of the dump of a new capture."""
    return client.post("/api/v1/captures", json={"text": text}).headers["location"] + "/dump"


def posted(client, format_="json", **body):
    return client.post(f"/api/v1/attention?format={format_}", json={"text": TEXT, **body})


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", {}),
        ("?layers=2,0&heads=3", {"layers": [2, 0], "heads": [3]}),
        ("?quantity=scores&decimals=2&layers=1", {"quantity": "scores", "decimals": 2, "layers": [1]}),
    ],
)
def test_json_equals_the_answer_of_post_attention(client, query, body):
    at = captured(client)
    assert client.get(at + query).json() == posted(client, **body).json()


def test_npz_and_safetensors_equal_the_answer_of_post_attention(client):
    at = captured(client)
    npz, safetensors = (client.get(f"{at}?heads=1,2&format={kind}").content for kind in ("npz", "safetensors"))
    expected = np.load(io.BytesIO(posted(client, "npz", heads=[1, 2]).content))
    read, tensors = np.load(io.BytesIO(npz)), load_safetensors(safetensors)
    assert set(read) == set(expected) == set(tensors) | {"metadata"}
    for name in expected:
        np.testing.assert_array_equal(read[name], expected[name])
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor, expected[name])


def test_npy_contains_the_patterns_and_its_facts_are_in_a_header(client, loaded):
    answer = client.get(captured(client), headers={"Accept": "application/x-npy"})
    capture = run(loaded("local:gpt2"), TEXT)
    np.testing.assert_allclose(np.load(io.BytesIO(answer.content)), whole_maps(capture, range(3), range(4)), atol=1e-6)
    assert json.loads(answer.headers["x-headscope"])["capture"] == capture.id


@pytest.mark.parametrize("format_", ["npy", "safetensors"])
def test_the_content_length_is_sent(client, format_):
    at = f"{captured(client)}?format={format_}"
    answer = client.get(at, headers={"Accept-Encoding": "identity"})
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_head_request_computes_at_most_one_chunk(client, in_rows, monkeypatch):
    at, rows = f"{captured(client)}?format=npy", []
    monkeypatch.setattr(windows, "head_window", lambda *_, **__: rows.append(1) or HEAD_WINDOW(*_, **__))
    head = client.head(at, headers={"Accept-Encoding": "identity"})
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 100 * len(rows)
    assert len(rows) <= 2


def test_a_dump_is_a_download_with_a_file_name(client):
    at = captured(client)
    for kind in ("json", "npy", "npz", "safetensors"):
        answer = client.get(f"{at}?format={kind}&layers=0").headers["content-disposition"]
        assert answer == f'attachment; filename="attention-{at.split("/")[-2]}.{kind}"'


def test_a_dump_that_the_client_has_is_304(client):
    at = captured(client)
    first = client.get(f"{at}?layers=0")
    assert first.headers["cache-control"] == "private, max-age=3600"
    again = client.get(f"{at}?layers=0", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{at}?layers=1", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


@pytest.mark.fault(10)
@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("layers=3", "unknown_layer", "layer 3: local:gpt2 has layers 0..2"),
        ("layers=-1", "unknown_layer", "layer -1: local:gpt2 has layers 0..2"),
        ("heads=4,0", "unknown_head", "head 4 of layer 0: local:gpt2 has heads 0..3"),
        ("layers=0,1,0", "invalid_input", "layers='0,1,0': name each number once"),
        ("layers=0,", "invalid_input", "must be a whole number"),
        ("heads=", "invalid_input", "heads='': must be a whole number"),
        ("heads=0-3", "invalid_input", "write 0,5 or leave it out for all"),
        ("heads=+1", "invalid_input", "must be a whole number"),
        ("heads=\u0661", "invalid_input", "must be a whole number"),
        ("layers=0&layers=1", "invalid_input", "layers is given 2 times"),
        ("decimals=10", "invalid_input", "must be 9 or less"),
        ("quantity=logits", "invalid_input", "'pattern' or 'scores'"),
        ("cells=4", "invalid_input", "'cells' is unknown here: it takes layers, heads, quantity, decimals, format"),
    ],
)
def test_a_parameter_out_of_range_is_422_with_the_range(client, query, code, message):
    answer = client.get(f"{captured(client)}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert message in answer.json()["detail"]


@pytest.mark.fault(24)
def test_json_has_a_limit_and_binary_dumps_have_none(settings):
    few = {"max_json_cells": 100, "max_cells": 100}
    with serving(settings.model_copy(update=few)) as client:
        at = captured(client)
        refused, taken = client.get(at), client.get(f"{at}?format=npz")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert "100: name fewer layers or heads, or take application/x-npz" in refused.json()["detail"]
    assert taken.status_code == 200


@pytest.fixture
def in_rows(monkeypatch):
    """Each row of each map is computed and sent separately."""
    monkeypatch.setattr("headscope.capture.windows.WEIGHTS_PER_CHUNK", 1)
    monkeypatch.setattr("headscope.export.formats.BATCH_BYTES", 1)


@pytest.mark.fault(24, 40)
@pytest.mark.parametrize("format_", ["json", "npy", "npz", "safetensors"])
def test_at_most_two_blocks_of_rows_are_in_memory_at_once(client, in_rows, format_, monkeypatch):
    alive, most, made = weakref.WeakValueDictionary(), [], []

    def counted(*arguments, **options):
        rows = HEAD_WINDOW(*arguments, **options)
        alive[len(made)] = rows
        made.append(rows.shape)
        most.append(len(alive))
        return rows

    at = captured(client)
    monkeypatch.setattr(windows, "head_window", counted)
    assert client.get(f"{at}?format={format_}").status_code == 200
    size = made[0][1]
    assert made == [(1, size)] * (3 * 4 * size)
    assert max(most) <= 2


@pytest.fixture
def slow(settings, in_rows, monkeypatch):
    """A live server that allows one open dump and waits for `held` at each row after the tenth; and its rows."""
    held, rows = Event(), []

    def waiting(*arguments, **options):
        rows.append(1)
        if len(rows) > 10:
            held.wait(20)
        return HEAD_WINDOW(*arguments, **options)

    with live(settings.model_copy(update={"max_waiting": 1})) as url, httpx2.Client(base_url=url, timeout=20) as client:
        at = captured(client)
        whole = client.get(f"{at}?format=npy").content
        # A client has the last byte a moment before the server has closed the dump.
        until(lambda: "headscope_dumps 0.0" in client.get("/metrics").text)
        monkeypatch.setattr(windows, "head_window", waiting)
        yield client, at, whole, held, rows
        held.set()


def test_a_client_that_disconnects_stops_the_work_and_the_next_dump_is_served(slow):
    client, at, whole, held, rows = slow
    with httpx2.Client(base_url=client.base_url) as leaving, leaving.stream("GET", f"{at}?format=npy"):
        until(lambda: len(rows) == 11)
    until(lambda: client.head(f"{at}?format=npy").status_code == 200)
    held.set()
    until(lambda: client.get(f"{at}?format=npy&layers=0&heads=0").status_code == 200)
    assert len(rows) < 40  # of 12 maps with at least 13 rows each


def test_too_many_open_dumps_are_503_with_retry_after(slow):
    client, at, whole, held, rows = slow
    with client.stream("GET", f"{at}?format=npy") as answer:
        until(lambda: len(rows) == 11)
        refused = client.get(f"{at}?format=npy")
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert int(refused.headers["retry-after"]) > 0
        held.set()
        assert answer.read() == whole


@pytest.mark.fault(25)
def test_a_dump_continues_when_its_capture_is_deleted(slow):
    client, at, whole, held, rows = slow
    with client.stream("GET", f"{at}?format=npy") as answer:
        until(lambda: len(rows) == 11)
        assert client.delete(at.removesuffix("/dump")).status_code == 204
        held.set()
        assert answer.read() == whole
    assert client.get(at).json()["code"] == "capture_gone"
