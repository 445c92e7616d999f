"""The bundled smollm2: how soon it is ready, the memory that it adds, and the time of a capture."""

import json
import time as clock
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from .measurements import Row, megabytes, time
from .samples import used_by
from .server import server_process

READY_TARGET, MEMORY_TARGET = 10.0, 650 * 10**6
SENTENCE = "The old bird and the young horse went to the river, and the bird spoke to the horse."


def post(url: str, path: str, body: object) -> tuple[dict[str, Any], float]:
    """The answer, and the seconds until it is complete."""
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{url}{path}", data, {"Content-Type": "application/json"})
    began = clock.perf_counter()
    with urllib.request.urlopen(request) as answer:
        received = answer.read()
    return json.loads(received), clock.perf_counter() - began


@dataclass(frozen=True)
class Round:
    """One server: seconds until the model is ready, bytes that it added, tokens, and seconds of the captures."""

    loading: float
    added: int
    tokens: int
    first: float
    second: float


def measured() -> Round:
    """Beside gpt2-mini, so that the libraries are in memory already."""
    with server_process("--model=gpt2-mini") as (url, process):
        before = used_by(process.pid)[0]
        _, loading = post(url, "/api/v1/models/load", {"model": "smollm2"})
        added = used_by(process.pid)[0] - before
        capture, first = post(url, "/api/v1/captures", {"text": SENTENCE, "model": "smollm2"})
        _, second = post(url, "/api/v1/captures", {"text": SENTENCE + " And so on.", "model": "smollm2"})
    return Round(loading, added, len(capture["tokens"]), first, second)


def rows(quick: bool) -> Iterator[Row]:
    """The median of several servers."""
    rounds = [measured() for _ in range(1 if quick else 5)]
    seconds = sorted(each.loading for each in rounds)
    loading, added = median(seconds), median(each.added for each in rounds)
    yield Row(
        "smollm2: from the request to ready", time(loading), f"<= {time(READY_TARGET)}",
        f"{time(seconds[0])} to {time(seconds[-1])} on {len(rounds)} servers", loading <= READY_TARGET,
    )  # fmt: skip
    yield Row(
        "smollm2: memory that it adds to a server", megabytes(added), f"<= {megabytes(MEMORY_TARGET)}",
        "134.5 million weights in float32 are 538 MB", added <= MEMORY_TARGET,
    )  # fmt: skip
    yield Row(
        f"smollm2: capture of {rounds[0].tokens} tokens, 270 heads", time(median(each.second for each in rounds)),
        comparison=f"the first in a server {time(median(each.first for each in rounds))}",
    )  # fmt: skip
