"""Read the weights of a safetensors file into memory of our own.

A file that is mapped into memory, as safetensors and transformers do it, goes on deciding the numbers: who overwrites
it changes a loaded model, and who truncates it ends the process.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..errors import CorruptModel, ModelTooLarge, UnsupportedModel
from ..records import NO_PROGRESS, Progress
from .checker.process import CHECKER
from .file_names import INDEX, WEIGHTS
from .files import ModelFolder, OpenedFile, open_file, reading
from .header import MAX_HEADER_BYTES, StoredTensor, parse_header

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
INTEGERS = {"I64": torch.int64, "I32": torch.int32}
LENGTH_BYTES = 8
BLOCK = 2**20
# torch converts more than this with several threads, which wait for each other on a busy machine.
CONVERTED_AT_ONCE = 2**14
DtypeOf = Callable[[str], torch.dtype]


def in_float32(_: str) -> torch.dtype:
    return torch.float32


class StoredWeights(Protocol):
    """An open file with weights, whose names and shapes are known."""

    @property
    def opened(self) -> OpenedFile: ...

    @property
    def tensors(self) -> list[StoredTensor]: ...

    def read(self, ignored: Collection[str], progress: Progress, dtype: DtypeOf) -> tuple[dict[str, Tensor], str]:
        """The weights without those that are ignored, and the SHA-256 of the file, which is closed.

        dtype: name -> data type of the weight in memory
        """


@dataclass(frozen=True)
class WeightsFile:
    """An open safetensors file whose header is read: `prefix` is everything before the first tensor."""

    opened: OpenedFile
    prefix: bytes
    tensors: list[StoredTensor]

    def read(self, ignored: Collection[str], progress: Progress, dtype: DtypeOf) -> tuple[dict[str, Tensor], str]:
        """See `read_tensors`."""
        return read_tensors(self, ignored, progress, dtype)


@dataclass(frozen=True)
class Weights:
    """The open files with the weights of a model: one, or several with an index."""

    files: tuple[StoredWeights, ...]
    index: OpenedFile | None = None

    @property
    def tensors(self) -> Mapping[str, StoredTensor]:
        return {tensor.name: tensor for file in self.files for tensor in file.tensors}

    @property
    def opened(self) -> list[OpenedFile]:
        return [*(file.opened for file in self.files), *([self.index] if self.index else [])]

    @property
    def sha256(self) -> str | None:
        """Of weights in one file, where its name in the cache of the hub says it."""
        return self.files[0].opened.sha256 if len(self.files) == 1 else None

    def close(self) -> None:
        for file in self.files:
            file.opened.file.close()


def open_weights(folder: ModelFolder) -> Weights:
    """Raises CorruptModel."""
    if (folder.path / WEIGHTS).exists() or not (folder.path / INDEX).exists():
        return Weights((open_weights_file(folder, WEIGHTS),))
    index = open_file(folder, INDEX)
    places = CHECKER.shards(index.read_all())
    files: list[WeightsFile] = []
    try:
        for name, tensors in places.items():
            files.append(open_weights_file(folder, name))
            check_index(files[-1], set(tensors))
    except BaseException:
        Weights(tuple(files)).close()
        raise
    return Weights(tuple(files), index)


def check_index(file: WeightsFile, listed: set[str]) -> None:
    """Raises CorruptModel unless a file has the weights that the index lists, and no others."""
    odd = listed ^ {tensor.name for tensor in file.tensors}
    if odd:
        raise CorruptModel(
            f"{INDEX} and {file.opened.name} do not agree about {min(odd)[:200]!r}: save or download the model again"
        )


def open_weights_file(folder: ModelFolder, name: str) -> WeightsFile:
    """Raises CorruptModel."""
    opened = open_file(folder, name)
    try:
        with reading(name):
            prefix = read_prefix(opened)
        rest = opened.state.size - len(prefix)
        header = prefix[LENGTH_BYTES:]
        if folder.trusted:
            tensors = parse_header(header, rest)
        else:
            tensors = [StoredTensor(n, d, tuple(s), *place) for n, d, s, *place in CHECKER.tensors(header, rest)]
        return WeightsFile(opened, prefix, tensors)
    except BaseException:
        opened.file.close()
        raise


def read_prefix(opened: OpenedFile) -> bytes:
    """The length of the header, 8 bytes, and the header. Raises CorruptModel."""
    length = read_exactly(opened, LENGTH_BYTES)
    header_bytes = int.from_bytes(length, "little")
    if header_bytes > MAX_HEADER_BYTES:
        raise CorruptModel(
            f"{opened.name} cannot be read: its header is {header_bytes:,} bytes, at most {MAX_HEADER_BYTES:,} are read"
        )
    return length + read_exactly(opened, header_bytes)


def read_exactly(opened: OpenedFile, count: int) -> bytes:
    if count > opened.state.size:
        raise CorruptModel(f"{opened.name} cannot be read: it ends after {opened.state.size:,} bytes")
    data = bytearray(count)
    read_into(opened, memoryview(data))
    return bytes(data)


def read_into(opened: OpenedFile, memory: memoryview) -> None:
    """Fill the memory from the file. Raises CorruptModel where the file ends too early."""
    done = 0
    while done < len(memory):
        count = opened.file.readinto(memory[done:])
        if not count:
            raise CorruptModel(
                f"{opened.name} was truncated while it was read: load the model again once it is written"
            )
        done += count


def check_dtypes(weights: Weights, ignored: Collection[str], integers: Collection[str] = ()) -> None:
    """Raises UnsupportedModel for a weight that is no real number: a cast would change it silently.

    integers: names of what the model keeps as integers
    """
    for tensor in weights.tensors.values():
        known = DTYPES.keys() | INTEGERS.keys() if tensor.name in integers else DTYPES.keys()
        if tensor.dtype not in known and tensor.name not in ignored:
            raise UnsupportedModel(
                f"{tensor.name[:200]} is stored as {tensor.dtype}: {', '.join(DTYPES)} are supported"
            )


def read_tensors(
    file: WeightsFile,
    ignored: Collection[str],
    progress: Progress = NO_PROGRESS,
    dtype: DtypeOf = in_float32,
) -> tuple[dict[str, Tensor], str]:
    """The weights without those that are ignored, and the SHA-256 of the bytes that were read.

    Closes the file. Raises CorruptModel if it changes meanwhile, or has another hash than in its name, and what
    `Progress.check` raises.
    """
    digest = hashlib.sha256(file.prefix)
    weights = {}

    def update(block: memoryview) -> None:
        progress.check()
        digest.update(block)

    with reading(file.opened.name), file.opened.file:
        for tensor in file.tensors:
            if tensor.name in ignored:
                hash_only(file.opened, tensor.bytes, update)
            else:
                weights[tensor.name] = read_tensor(file.opened, tensor, update, dtype(tensor.name))
        file.opened.check_unchanged(len(file.prefix) + sum(tensor.bytes for tensor in file.tensors))
    return weights, digest.hexdigest()


def hash_only(opened: OpenedFile, count: int, update: Callable[[memoryview], object]) -> None:
    block = memoryview(bytearray(min(count, BLOCK)))
    for start in range(0, count, BLOCK):
        part = block[: min(BLOCK, count - start)]
        read_into(opened, part)
        update(part)


def read_tensor(
    opened: OpenedFile, tensor: StoredTensor, update: Callable[[memoryview], object], dtype: torch.dtype
) -> Tensor:
    """A weight in this data type; integers stay as they are."""
    stored = (DTYPES | INTEGERS)[tensor.dtype]
    dtype = stored if tensor.dtype in INTEGERS else dtype
    try:
        weight = torch.empty(tensor.numel, dtype=dtype)
    except RuntimeError as error:
        raise ModelTooLarge(f"no memory for {tensor.name[:200]}, {dtype.itemsize * tensor.numel:,} bytes") from error
    if stored == dtype:
        memory: memoryview = weight.view(torch.uint8).numpy().data
        for start in range(0, len(memory), BLOCK):
            part = memory[start : start + BLOCK]
            read_into(opened, part)
            update(part)
    else:
        read_converted(opened, weight, stored, update)
    return weight.view(tensor.shape)


def read_converted(
    opened: OpenedFile, weight: Tensor, dtype: torch.dtype, update: Callable[[memoryview], object]
) -> None:
    """Fill `weight` [n] from numbers of another data type, a block at a time, so that there is no second copy."""
    block = torch.empty(CONVERTED_AT_ONCE, dtype=dtype)
    memory: memoryview = block.view(torch.uint8).numpy().data
    for start in range(0, len(weight), CONVERTED_AT_ONCE):
        part = weight[start : start + CONVERTED_AT_ONCE]
        stored = memory[: len(part) * dtype.itemsize]
        read_into(opened, stored)
        update(stored)
        part.copy_(block[: len(part)])
