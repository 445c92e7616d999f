"""Named arrays and the facts about them -> JSON, npy, npz or safetensors, piece by piece.

Joined, they are the whole answer; one by one, they take no more memory than the block of rows that is being written.
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

Piece = bytes | memoryview
LUMP = 2**16  # bytes
# What the safetensors format calls the types that answers are made of.
SAFETENSORS_TYPES = {"<f4": "F32", "<f8": "F64", "<i8": "I64", "<i4": "I32", "|b1": "BOOL"}


class Rows(Protocol):
    """An array [... row column] that is never whole: iterated, it gives blocks of its rows, in order."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


Array = np.ndarray | Rows


@dataclass(frozen=True)
class Answer:
    """What a route has to say: `arrays[main]` is the one that a single-array format carries."""

    facts: dict[str, Any]
    arrays: dict[str, Array]
    main: str


def pieces(answer: Answer, wanted: Format, decimals: int | None = None) -> Iterator[Piece]:
    """The answer in the format; `decimals` rounds what JSON says of floats."""
    if wanted == "json":
        return to_json(answer, decimals)
    return {"npy": to_npy, "npz": to_npz, "safetensors": to_safetensors}[wanted](answer)


def size_of(answer: Answer, wanted: Format) -> int | None:
    """How many bytes the pieces are, where it can be said before they are made."""
    if wanted == "npy":
        main = answer.arrays[answer.main]
        return len(npy_head(main)) + bytes_of(main)
    if wanted == "safetensors":
        return len(safetensors_head(answer)) + sum(map(bytes_of, answer.arrays.values()))
    return None


def in_lumps(made: Iterable[Piece]) -> Iterator[bytes]:
    """The same bytes in pieces of at least LUMP: what is done for each piece costs more than a short one.

    The first goes ahead as it is, at once: it says what will follow.
    """
    held: list[Piece] = []
    size, enough = 0, 1
    for piece in made:
        held.append(piece)
        size += len(piece)
        if size >= enough:
            yield b"".join(held)
            held, size, enough = [], 0, LUMP
    if held:
        yield b"".join(held)


def blocks(array: Array) -> Iterator[np.ndarray]:
    return iter((array,)) if isinstance(array, np.ndarray) else iter(array)


def bytes_of(array: Array) -> int:
    return prod(array.shape) * array.dtype.itemsize


def raw(array: Array) -> Iterator[Piece]:
    """The numbers as they lie in memory, row after row."""
    for block in blocks(array):
        yield np.ascontiguousarray(block).reshape(-1).view(np.uint8).data


# JSON


def to_json(answer: Answer, decimals: int | None) -> Iterator[Piece]:
    yield orjson.dumps(answer.facts, option=orjson.OPT_SERIALIZE_NUMPY)[:-1]
    comma = b"," if answer.facts else b""
    for name, array in answer.arrays.items():
        yield comma + orjson.dumps(name) + b":"
        yield from nested(array, decimals)
        comma = b","
    yield b"}"


def nested(array: Array, decimals: int | None) -> Iterator[bytes]:
    """[[...], [...]], a block of rows at a time."""
    if isinstance(array, np.ndarray):
        yield lists(array, decimals)
        return
    # A bracket opens before the first row of a map, of a layer, of all, and closes behind the last.
    rows_within = [prod(array.shape[axis:-1]) for axis in range(len(array.shape) - 1)]
    row = 0
    for block in array:
        opened = b"[" * sum(row % rows == 0 for rows in rows_within)
        comma = b"," if row else b""
        row += len(block)
        yield comma + opened + lists(block, decimals)[1:-1] + b"]" * sum(row % rows == 0 for rows in rows_within)


def lists(x: np.ndarray, decimals: int | None) -> bytes:
    if decimals is not None and x.dtype.kind == "f":
        x = x.astype(np.float64).round(decimals)  # in float32, a score of 100 has no sixth decimal to round to
    return orjson.dumps(np.ascontiguousarray(x), option=orjson.OPT_SERIALIZE_NUMPY)


# npy and npz


def to_npy(answer: Answer) -> Iterator[Piece]:
    return npy(answer.arrays[answer.main])


def npy(array: Array) -> Iterator[Piece]:
    yield npy_head(array)
    yield from raw(array)


def npy_head(array: Array) -> bytes:
    buffer = io.BytesIO()
    facts = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(buffer, facts)
    return buffer.getvalue()


class Sink:
    """A file to write to that gives away what was written."""

    def __init__(self) -> None:
        self.written: list[Piece] = []

    def write(self, piece: Piece) -> int:
        self.written.append(piece)
        return len(piece)

    def flush(self) -> None:
        """For zipfile, which asks for it."""

    def taken(self) -> bytes:
        written, self.written = self.written, []
        return b"".join(written)


def to_npz(answer: Answer) -> Iterator[Piece]:
    """Every array by name, and `metadata`: the facts as one JSON string."""
    sink = Sink()
    arrays = {"metadata": np.array(json.dumps(answer.facts)), **answer.arrays}
    with ZipFile(cast("IO[bytes]", sink), "w", ZIP_STORED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                for piece in npy(array):
                    file.write(piece)
                    yield sink.taken()
    yield sink.taken()


# safetensors


def to_safetensors(answer: Answer) -> Iterator[Piece]:
    """Every array by name; each fact as JSON in the metadata."""
    yield safetensors_head(answer)
    for name in widest_first(answer.arrays):
        yield from raw(answer.arrays[name])


def safetensors_head(answer: Answer) -> bytes:
    """Its length, then what lies where, as JSON (https://huggingface.co/docs/safetensors, Format)."""
    said: dict[str, Any] = {"__metadata__": {name: json.dumps(fact) for name, fact in answer.facts.items()}}
    start = 0
    for name in widest_first(answer.arrays):
        array = answer.arrays[name]
        stop = start + bytes_of(array)
        kind = SAFETENSORS_TYPES[array.dtype.str]
        said[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [start, stop]}
        start = stop
    head = json.dumps(said).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head


def widest_first(arrays: dict[str, Array]) -> list[str]:
    """In this order, every number stands at a multiple of its own width."""
    return sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
