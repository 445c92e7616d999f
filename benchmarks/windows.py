"""What a window of one head costs in the server, and over HTTP."""

import http.client
import json
import random
import time as clock
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

from .figures import Row, megabytes, milliseconds, time
from .measure import Figures, in_turns
from .models import HEADS, random_gpt2, text
from .served import served
from .work import Worker, worker

SHORT, LONG = 1024, 16_384
SIDE, POOLED = 256, 512
SAME = 1.5  # times the other: what a busy machine makes of two equal times
LAYERS = 1  # any layer costs the same, and one is soon captured


def corner(tokens: int) -> tuple[int, int]:
    """Where a window may begin: below the diagonal, as above it a causal map has nothing to work out."""
    column = random.randrange(0, tokens - 2 * SIDE + 1)
    return random.randrange(column + SIDE, tokens - SIDE + 1), column


def once(one: Worker, tokens: int) -> Figures:
    row, column = corner(tokens)
    spans = {"rows": (row, row + SIDE), "columns": (column, column + SIDE)}
    return {f"in {tokens}": one.ask(head=random.randrange(HEADS), cells=SIDE, **spans)["seconds"]}


class Visitor:
    """Who asks a server for windows of one capture."""

    def __init__(self, url: str, tokens: int) -> None:
        self.server = http.client.HTTPConnection(urlsplit(url).netloc)
        self.tokens = tokens
        asked = json.dumps({"text": text(tokens)})
        self.capture = json.loads(self.get("POST", "/api/v1/captures", asked))["id"]

    def get(self, method: str, path: str, body: str | None = None) -> bytes:
        headers = {"Content-Type": "application/json"} if body else {"Accept": "application/x-npy"}
        self.server.request(method, path, body, headers)
        answer = self.server.getresponse()
        content = answer.read()
        assert answer.status < 300, content[:300]
        return content

    def once(self) -> Figures:
        row, column = corner(self.tokens)
        window = f"rows={row}:{row + SIDE}&columns={column}:{column + SIDE}&cells={SIDE}"
        path = f"/api/v1/captures/{self.capture}/heads/{LAYERS - 1}/{random.randrange(HEADS)}?{window}"
        self.server.close()  # the server hangs up on who was silent for some seconds, as all are while one waits
        self.server.connect()
        began = clock.perf_counter()
        self.get("GET", path)
        return {f"http {self.tokens}": clock.perf_counter() - began}


def rows(quick: bool) -> Iterator[Row]:
    """Windows that are not pooled, then one head as a whole."""
    folder = random_gpt2(LAYERS)
    with ExitStack() as stack:
        workers = {size: stack.enter_context(worker("head", folder, str(size))) for size in (SHORT, LONG)}
        url = stack.enter_context(served(folder))
        visitors = [Visitor(url, size) for size in workers]
        turns = [lambda one=one, size=size: once(one, size) for size, one in workers.items()]
        best = in_turns(*turns, *(one.once for one in visitors), budget=3 if quick else 20, rounds=(10, 400))
        taken = sorted(best[f"in {size}"] for size in workers)
        met = taken[1] <= min(0.005, SAME * taken[0])
        for size in workers:
            yield Row(
                f"an unpooled {SIDE} x {SIDE} window of any head, {size:,} tokens",
                milliseconds(best[f"in {size}"]), "<= 5 ms in the server, same at both",
                f"over HTTP {milliseconds(best[f'http {size}'])}", met,
            )  # fmt: skip
        yield from pooled(workers[LONG], quick)


def pooled(one: Worker, quick: bool) -> Iterator[Row]:
    whole = {"rows": (0, LONG), "columns": (0, LONG), "cells": POOLED}
    grown = one.ask(head=0, trim=True, **whole)["bytes"]
    best = in_turns(
        *(
            lambda pool=pool: {pool: one.ask(head=random.randrange(HEADS), pool=pool, **whole)["seconds"]}
            for pool in ("max", "mean")
        ),
        budget=3 if quick else 40,
    )
    what = f"one head pooled to {POOLED} x {POOLED} at {LONG:,} tokens"
    yield Row(f"{what}: time", time(best["max"]), "<= 1.5 s", f"mean {time(best['mean'])}", best["max"] <= 1.5)
    yield Row(f"{what}: growth of memory", megabytes(grown), "<= 300 MB", met=grown <= 300e6)
