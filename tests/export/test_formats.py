"""The chunks of an answer joined are the whole answer."""

import io
import json
import struct

import numpy as np
import pytest
from safetensors.numpy import load as load_safetensors
from safetensors.numpy import save as save_safetensors

from headscope.export.formats import BATCH_BYTES, CHUNK_BYTES, Answer, batched, serialize, size_of

MAPS = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype(np.float32)
FACTS = {"axes": ["layer", "head", "query", "key"], "tokens": [{"text": "ß"}]}
FORMATS = ["json", "npy", "npz", "safetensors"]


class InBlocks:
    """An array that yields `height` rows at a time, map by map."""

    def __init__(self, array, height):
        self.array, self.height = array, height
        self.shape, self.dtype = array.shape, array.dtype

    def __iter__(self):
        for rows in self.array.reshape(-1, *self.array.shape[-2:]):
            for start in range(0, len(rows), self.height):
                yield rows[start : start + self.height]


def answer(maps):
    return Answer(FACTS, {"maps": maps, "token_ids": np.array([3, 1]), "layers": np.array([7])}, "maps")


def joined(made, format_, decimals=None):
    return b"".join(serialize(made, format_, decimals))


@pytest.mark.parametrize("height", [1, 2, 5])
@pytest.mark.parametrize("format_", FORMATS)
def test_an_array_in_blocks_of_rows_gives_the_bytes_of_the_whole_array(format_, height):
    assert joined(answer(InBlocks(MAPS, height)), format_) == joined(answer(MAPS), format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_libraries_of_the_formats_read_the_answer(format_):
    body = joined(answer(InBlocks(MAPS, 2)), format_)
    read = {
        "json": lambda: json.loads(body)["maps"],
        "npy": lambda: np.load(io.BytesIO(body)),
        "npz": lambda: np.load(io.BytesIO(body))["maps"],
        "safetensors": lambda: load_safetensors(body)["maps"],
    }[format_]()
    np.testing.assert_array_equal(np.array(read, dtype=np.float32), MAPS)


def test_npy_and_safetensors_equal_what_their_libraries_write():
    buffer = io.BytesIO()
    np.save(buffer, MAPS)
    assert joined(answer(MAPS), "npy") == buffer.getvalue()
    theirs = save_safetensors({"maps": MAPS, "token_ids": np.array([3, 1]), "layers": np.array([7])})
    ours = load_safetensors(joined(answer(MAPS), "safetensors"))
    for name, array in load_safetensors(theirs).items():
        np.testing.assert_array_equal(ours[name], array)
        assert ours[name].dtype == array.dtype


def test_the_arrays_of_safetensors_are_aligned_to_eight_bytes():
    for text in ("", "a", "ab", "abc"):
        body = joined(Answer({"text": text}, {"maps": MAPS}, "maps"), "safetensors")
        assert struct.unpack("<Q", body[:8])[0] % 8 == 0


def test_decimals_round_the_floats_of_every_block():
    body = json.loads(joined(answer(InBlocks(MAPS, 2)), "json", 2))
    np.testing.assert_array_equal(body["maps"], MAPS.astype(np.float64).round(2))
    assert (body["token_ids"], body["layers"], body["tokens"]) == ([3, 1], [7], [{"text": "ß"}])


def test_more_decimals_are_never_less_exact():
    scores = np.array([123.456789, -98.7654321], dtype=np.float32)
    answer = json.loads(joined(Answer({}, {"values": scores}, "values"), "json", 9))["values"]
    assert answer == [round(float(score), 9) for score in scores]


@pytest.mark.parametrize("format_", ["npy", "safetensors"])
def test_the_size_of_a_binary_answer_is_known_in_advance(format_):
    assert size_of(answer(InBlocks(MAPS, 2)), format_) == len(joined(answer(MAPS), format_))


def test_the_size_of_json_is_not_known_in_advance():
    assert size_of(answer(MAPS), "json") is None


@pytest.mark.parametrize(
    ("given", "lumps"),
    [([b"a", b"bc", b"d", b"efg", b"h"], [b"a", b"bcd", b"efg", b"h"]), ([b"a", b"bcd"], [b"a", b"bcd"]), ([], [])],
)
def test_the_first_chunk_is_passed_on_and_short_ones_are_joined(given, lumps, monkeypatch):
    monkeypatch.setattr("headscope.export.formats.BATCH_BYTES", 3)
    assert list(batched(given)) == lumps


@pytest.mark.parametrize("format_", FORMATS)
def test_no_chunk_of_a_large_array_is_long(format_):
    """A whole array would be copied into the buffer of its connection."""
    large = answer(np.random.default_rng(0).normal(size=(3, 400, 500)).astype(np.float32))
    chunks = list(batched(serialize(large, format_)))
    assert max(map(len, chunks)) < BATCH_BYTES + CHUNK_BYTES
    assert b"".join(chunks) == joined(large, format_)
    assert len(chunks) > 5


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4), (1,), (2, 1)])
@pytest.mark.parametrize("format_", FORMATS)
def test_arrays_of_any_shape_are_written(format_, shape):
    empty = np.zeros(shape, np.float32)
    body = joined(Answer({}, {"maps": empty}, "maps"), format_)
    read = {
        "json": lambda: np.array(json.loads(body)["maps"], np.float32),
        "npy": lambda: np.load(io.BytesIO(body)),
        "npz": lambda: np.load(io.BytesIO(body))["maps"],
        "safetensors": lambda: load_safetensors(body)["maps"],
    }[format_]()
    assert read.size == empty.size
    assert format_ == "json" or read.shape == shape
