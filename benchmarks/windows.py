"""Time and memory of windows of one head, in the server and over HTTP."""

import http.client
import json
import random
import time as clock
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

from .measure import Timings, interleaved
from .measurements import Row, megabytes, milliseconds, time
from .models import HEADS, random_gpt2, text
from .server import running_server
from .worker import Worker, worker

SHORT, LONG = 1024, 16_384
SIDE, POOLED = 256, 512
SAME = 1.5  # largest ratio of two times that count as equal on a busy machine
LAYERS = 1  # all layers cost the same, and a model of one layer is captured quickly


def corner(tokens: int) -> tuple[int, int]:
    """Start of a random window below the diagonal; above it, a causal pattern is zero."""
    column = random.randrange(0, tokens - 2 * SIDE + 1)
    return random.randrange(column + SIDE, tokens - SIDE + 1), column


def once(one: Worker, tokens: int) -> Timings:
    """The first read of a window's rows computes their sums; the second is that of all later windows of these rows."""
    row, column = corner(tokens)
    asked = {"head": random.randrange(HEADS), "cells": SIDE}
    asked |= {"rows": (row, row + SIDE), "columns": (column, column + SIDE)}
    one.ask(head=asked["head"], forgotten=True)
    first, later = (one.ask(**asked)["seconds"] for _ in range(2))
    return {f"first {tokens}": first, f"in {tokens}": later}


class Client:
    """Requests windows of one capture from a server."""

    def __init__(self, url: str, tokens: int) -> None:
        self.server = http.client.HTTPConnection(urlsplit(url).netloc)
        self.tokens = tokens
        body = json.dumps({"text": text(tokens)})
        self.capture = json.loads(self.get("POST", "/api/v1/captures", body))["id"]

    def get(self, method: str, path: str, body: str | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} if body else {"Accept": "application/x-npy"}
        self.server.request(method, path, body, headers)
        answer = self.server.getresponse()
        content = answer.read()
        assert answer.status < 300, content[:300]
        return content

    def once(self) -> Timings:
        row, column = corner(self.tokens)
        window = f"rows={row}:{row + SIDE}&columns={column}:{column + SIDE}&cells={SIDE}"
        path = f"/api/v1/captures/{self.capture}/heads/{LAYERS - 1}/{random.randrange(HEADS)}?{window}"
        self.server.close()  # the server closes connections that were idle for some seconds
        self.server.connect()
        began = clock.perf_counter()
        self.get("GET", path)
        return {f"http {self.tokens}": clock.perf_counter() - began}


def rows(quick: bool) -> Iterator[Row]:
    """Windows without pooling, then one whole head."""
    folder = random_gpt2(LAYERS)
    with ExitStack() as stack:
        workers = {size: stack.enter_context(worker("head", folder, str(size))) for size in (SHORT, LONG)}
        url = stack.enter_context(running_server(folder))
        clients = [Client(url, size) for size in workers]
        turns = [lambda one=one, size=size: once(one, size) for size, one in workers.items()]
        best = interleaved(*turns, *(one.once for one in clients), budget=3 if quick else 20, rounds=(10, 400))
        taken = sorted(best[f"in {size}"] for size in workers)
        reached = taken[1] <= min(0.005, SAME * taken[0])
        for size in workers:
            yield Row(
                f"an unpooled {SIDE} x {SIDE} window of any head, {size:,} tokens",
                milliseconds(best[f"in {size}"]), "<= 5 ms in the server, equal at both lengths",
                f"the first read of these rows {milliseconds(best[f'first {size}'])}; "
                f"over HTTP {milliseconds(best[f'http {size}'])}", reached,
            )  # fmt: skip
        yield from pooled(workers[LONG], quick)


def pooled(one: Worker, quick: bool) -> Iterator[Row]:
    whole = {"rows": (0, LONG), "columns": (0, LONG), "cells": POOLED}
    grown = one.ask(head=0, trim=True, **whole)["bytes"]
    best = interleaved(
        *(
            lambda pool=pool: {pool: one.ask(head=random.randrange(HEADS), pool=pool, **whole)["seconds"]}
            for pool in ("max", "mean")
        ),
        budget=3 if quick else 40,
    )
    what = f"one head pooled to {POOLED} x {POOLED} at {LONG:,} tokens"
    yield Row(f"{what}: time", time(best["max"]), "<= 1.5 s", f"mean {time(best['mean'])}", best["max"] <= 1.5)
    yield Row(f"{what}: memory", megabytes(grown), "<= 300 MB", reached=grown <= 300e6)
