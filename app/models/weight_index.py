"""The index of weights that are divided into several files."""

from collections import defaultdict
from typing import Any

from ..errors import CorruptModel
from .file_names import INDEX, MAX_SHARDS, SHARD
from .header import MAX_TENSORS
from .json_files import parse_object


def parse_index(data: bytes) -> dict[str, list[str]]:
    """File -> names of its weights. Raises CorruptModel for names that are no names of such files."""
    places: Any = parse_object(data, INDEX).get("weight_map")
    if not isinstance(places, dict) or not 0 < len(places) <= MAX_TENSORS:
        raise CorruptModel(f"{INDEX} has no weight_map with 1 to {MAX_TENSORS:,} weights")
    files: dict[str, list[str]] = defaultdict(list)
    for name, file in places.items():
        if not isinstance(file, str) or not SHARD.fullmatch(file):
            raise CorruptModel(
                f"{INDEX} names the file {str(file)[:100]!r}: names as model-00001-of-00002.safetensors are read"
            )
        files[file].append(name)
    if len(files) > MAX_SHARDS:
        raise CorruptModel(f"{INDEX} names {len(files):,} files: up to {MAX_SHARDS} are read")
    return dict(files)
