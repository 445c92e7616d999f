"""Memory while a sharded checkpoint is loaded: its weights must not be in memory twice."""

from collections.abc import Iterator
from pathlib import Path

from .measurements import Row, megabytes, time
from .models import random_llama
from .worker import worker

LAYERS, WIDTH, SHARD = 13, 1344, "200MB"  # 1 GB in float32
MOST = 1.15  # times the weights: one file's header and what a load needs beside them


def rows(quick: bool) -> Iterator[Row]:
    folder = random_llama(2 if quick else LAYERS, WIDTH, "50MB" if quick else SHARD)
    files = list(Path(folder).glob("*.safetensors"))
    weights = sum(file.stat().st_size for file in files)
    with worker("loading", folder) as one:
        found = one.ask(trim=True)
    yield Row(
        f"load of a checkpoint of {megabytes(weights)} in {len(files)} files: peak memory",
        f"{found['bytes'] / weights:.2f} x the weights ({megabytes(found['bytes'])})",
        f"<= {MOST} x the weights",
        f"in {time(found['seconds'])}",
        found["bytes"] <= MOST * weights,
    )
