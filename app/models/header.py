"""The header of a safetensors file: the name, the data type, the shape and the place of each tensor."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

from ..errors import CorruptModel
from .file_names import WEIGHTS
from .json_files import parse_object

# A model of these families has a few thousand tensors, and its header 100 bytes for each of them.
MAX_HEADER_BYTES = 2**22
MAX_TENSORS = 2**15
MAX_NAME = 500  # characters of the name of a tensor
MAX_DIMENSIONS = 8
MAX_SIZE = 2**48  # of a dimension, and of the product of all that are not 0: torch multiplies them with 64 bits

# fmt: off
BYTES_OF = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1, "C64": 8,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1,
}
# fmt: on


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in the file; its bytes are `start` to `stop`, counted from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def numel(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.stop - self.start


def parse_header(data: bytes, data_bytes: int) -> list[StoredTensor]:
    """The tensors in the order of the file. `data_bytes`: the bytes after the header. Raises CorruptModel."""
    entries = parse_object(data, f"the header of {WEIGHTS}")
    entries.pop("__metadata__", None)
    if len(entries) > MAX_TENSORS:
        raise CorruptModel(f"{WEIGHTS} has {len(entries):,} tensors: at most {MAX_TENSORS:,} are read")
    tensors = sorted((tensor_of(*item) for item in entries.items()), key=lambda tensor: (tensor.start, tensor.stop))
    check_places(tensors, data_bytes)
    return tensors


def tensor_of(name: str, entry: Any) -> StoredTensor:
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    dtype: Any = fields.get("dtype")
    shape: Any = fields.get("shape")
    place: Any = fields.get("data_offsets")
    shown = f"{WEIGHTS}: the header of {name[:200]!r}"
    if len(name) > MAX_NAME:
        raise CorruptModel(f"{shown} has a name of {len(name):,} characters: at most {MAX_NAME} are read")
    if not isinstance(dtype, str) or dtype not in BYTES_OF:
        raise CorruptModel(f"{shown} has the data type {str(dtype)[:40]!r}, which is not known")
    if not is_list_of_sizes(shape) or len(shape) > MAX_DIMENSIONS or prod(filter(None, shape)) >= MAX_SIZE:
        raise CorruptModel(f"{shown} has an invalid shape: {str(shape)[:100]}")
    if not is_list_of_sizes(place) or len(place) != 2:
        raise CorruptModel(f"{shown} has invalid data_offsets: {str(place)[:100]}")
    if place[1] - place[0] != prod(shape) * BYTES_OF[dtype]:
        raise CorruptModel(f"{shown} has {place[1] - place[0]:,} bytes for the shape {shape} of {dtype}")
    return StoredTensor(name, dtype, tuple(shape), *place)


def is_list_of_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and 0 <= each < MAX_SIZE for each in value)


def check_places(tensors: Iterable[StoredTensor], data_bytes: int) -> None:
    """Raises CorruptModel unless the tensors follow each other from the first byte to the last."""
    end = 0
    for tensor in tensors:
        if tensor.start != end:
            how = "overlaps the one before" if tensor.start < end else "does not follow the one before"
            raise CorruptModel(f"{WEIGHTS}: {tensor.name[:200]!r} {how}")
        end = tensor.stop
    if end != data_bytes:
        raise CorruptModel(
            f"{WEIGHTS} cannot be read: it has {data_bytes:,} bytes of weights, its header describes {end:,}"
        )
