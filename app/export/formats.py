"""Serialize named arrays and their metadata as JSON, npy, npz or safetensors, chunk by chunk.

The chunks joined are the whole answer. One by one, they need no more memory than the block of rows being written.
"""

import io
import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import IO, Any, Protocol, cast
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import orjson

from ..records import Format

Chunk = bytes | memoryview
# A client that reads slowly holds a few chunks: so they are neither short, which costs time, nor long.
BATCH_BYTES, CHUNK_BYTES = 2**16, 2**18
# Numbers of JSON that are written at once: as text they take some four times as much memory.
JSON_NUMBERS = 2**14
# numpy type -> its name in the safetensors format.
SAFETENSORS_TYPES = {"<f4": "F32", "<f8": "F64", "<i8": "I64", "<i4": "I32", "|b1": "BOOL"}


class RowBlocks(Protocol):
    """An array [... row column] that is computed while it is read: iterating gives blocks of its rows, in order."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


Array = np.ndarray | RowBlocks


@dataclass(frozen=True)
class Answer:
    """The content of a response. `arrays[main]` is the one that npy, a format of a single array, carries."""

    facts: dict[str, Any]
    arrays: dict[str, Array]
    main: str


def serialize(answer: Answer, format_: Format, decimals: int | None = None) -> Iterator[Chunk]:
    """The answer in chunks. `decimals` rounds floats, in JSON only."""
    if format_ == "json":
        return to_json(answer, decimals)
    return {"npy": to_npy, "npz": to_npz, "safetensors": to_safetensors}[format_](answer)


def size_of(answer: Answer, format_: Format) -> int | None:
    """The length of the answer in bytes; None where it is unknown before the answer is written."""
    if format_ == "npy":
        main = answer.arrays[answer.main]
        return len(npy_head(main)) + bytes_of(main)
    if format_ == "safetensors":
        return len(safetensors_head(answer)) + sum(map(bytes_of, answer.arrays.values()))
    return None


def batched(chunks: Iterable[Chunk]) -> Iterator[bytes]:
    """The same bytes in chunks of at least BATCH_BYTES: the overhead of each chunk costs more than a short one.

    The first chunk is passed on at once. No chunk is much longer than CHUNK_BYTES.
    """
    batch: list[Chunk] = []
    size, enough = 0, 1
    for chunk in pieces(chunks):
        batch.append(chunk)
        size += len(chunk)
        if size >= enough:
            yield b"".join(batch)
            batch, size, enough = [], 0, BATCH_BYTES
    if batch:
        yield b"".join(batch)


def pieces(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """The same bytes; a long chunk is cut, without a copy."""
    for chunk in chunks:
        if len(chunk) <= CHUNK_BYTES:
            yield chunk
        else:
            yield from (memoryview(chunk)[at : at + CHUNK_BYTES] for at in range(0, len(chunk), CHUNK_BYTES))


def row_blocks(array: Array, numbers: int) -> Iterator[np.ndarray]:
    """[... row column] -> its rows in blocks [rows column] of at most that many numbers, or one row."""
    given: Iterable[np.ndarray] = array
    if isinstance(array, np.ndarray):
        given = (array.reshape(prod(array.shape[:-1]), array.shape[-1]),)
    for block in given:
        height = max(1, numbers // max(1, block.shape[-1]))
        yield from (block[start : start + height] for start in range(0, len(block), height))


def bytes_of(array: Array) -> int:
    return prod(array.shape) * array.dtype.itemsize


def raw_bytes(array: Array) -> Iterator[Chunk]:
    """The numbers as in memory, row by row."""
    for block in row_blocks(array, CHUNK_BYTES // array.dtype.itemsize) if array.shape else (np.asarray(array),):
        yield np.ascontiguousarray(block).reshape(-1).view(np.uint8).data


# JSON


def to_json(answer: Answer, decimals: int | None) -> Iterator[Chunk]:
    yield orjson.dumps(answer.facts, option=orjson.OPT_SERIALIZE_NUMPY)[:-1]
    comma = b"," if answer.facts else b""
    for name, array in answer.arrays.items():
        yield comma + orjson.dumps(name) + b":"
        yield from json_nested(array, decimals)
        comma = b","
    yield b"}"


def json_nested(array: Array, decimals: int | None) -> Iterator[bytes]:
    """[[...], [...]], one block of rows at a time."""
    if isinstance(array, np.ndarray) and (array.ndim < 2 or array.size <= JSON_NUMBERS):
        yield json_lists(array, decimals)
        return
    # A bracket opens before the first row of each map, each layer and the whole array, and closes after the last.
    rows_within = [prod(array.shape[axis:-1]) for axis in range(len(array.shape) - 1)]
    row = 0
    for block in row_blocks(array, JSON_NUMBERS):
        opened = b"[" * sum(row % rows == 0 for rows in rows_within)
        comma = b"," if row else b""
        row += len(block)
        yield comma + opened + json_lists(block, decimals)[1:-1] + b"]" * sum(row % rows == 0 for rows in rows_within)


def json_text(fact: Any) -> str:
    return orjson.dumps(fact, option=orjson.OPT_SERIALIZE_NUMPY).decode()


def json_lists(x: np.ndarray, decimals: int | None) -> bytes:
    if decimals is not None and x.dtype.kind == "f":
        x = x.astype(np.float64).round(decimals)  # in float32, a score of 100 has no sixth decimal to round to
    return orjson.dumps(np.ascontiguousarray(x), option=orjson.OPT_SERIALIZE_NUMPY)


# npy and npz


def to_npy(answer: Answer) -> Iterator[Chunk]:
    return npy(answer.arrays[answer.main])


def npy(array: Array) -> Iterator[Chunk]:
    yield npy_head(array)
    yield from raw_bytes(array)


def npy_head(array: Array) -> bytes:
    buffer = io.BytesIO()
    facts = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(buffer, facts)
    return buffer.getvalue()


class WriteBuffer:
    """A file for zipfile to write to; `take` returns what was written since the last call."""

    def __init__(self) -> None:
        self.written: list[Chunk] = []

    def write(self, chunk: Chunk) -> int:
        self.written.append(chunk)
        return len(chunk)

    def flush(self) -> None:
        """zipfile calls it."""

    def take(self) -> bytes:
        written, self.written = self.written, []
        return b"".join(written)


def to_npz(answer: Answer) -> Iterator[Chunk]:
    """Every array by name, and `metadata`: the facts as one JSON string."""
    buffer = WriteBuffer()
    arrays = {"metadata": np.array(json_text(answer.facts)), **answer.arrays}
    with ZipFile(cast("IO[bytes]", buffer), "w", ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                for chunk in npy(array):
                    file.write(chunk)
                    yield buffer.take()
    yield buffer.take()


# safetensors


def to_safetensors(answer: Answer) -> Iterator[Chunk]:
    """Every array by name; each fact as JSON in the metadata."""
    yield safetensors_head(answer)
    for name in widest_first(answer.arrays):
        yield from raw_bytes(answer.arrays[name])


def safetensors_head(answer: Answer) -> bytes:
    """The length of the header, then names, types and offsets as JSON (https://huggingface.co/docs/safetensors)."""
    header: dict[str, Any] = {"__metadata__": {name: json_text(fact) for name, fact in answer.facts.items()}}
    start = 0
    for name in widest_first(answer.arrays):
        array = answer.arrays[name]
        stop = start + bytes_of(array)
        kind = SAFETENSORS_TYPES[array.dtype.str]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [start, stop]}
        start = stop
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head


def widest_first(arrays: dict[str, Array]) -> list[str]:
    """In this order, every number is aligned to its own width."""
    return sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
