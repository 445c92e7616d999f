"""Size of an answer, and the time to write it as JSON."""

import json
from collections.abc import Iterator

import numpy as np

from headscope.export.formats import Answer
from headscope.export.negotiation import encode

from .measure import interleaved, seconds
from .measurements import Row, milliseconds

SIDE = 512


def rows(quick: bool) -> Iterator[Row]:
    """One head of 512 x 512 weights."""
    weights = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    one = Answer({"layer": 0, "head": 0, "axes": ["query", "key"], "exact": True}, {"values": weights}, "values")
    over = len(encode(one, "npy").body) / weights.nbytes
    yield Row(
        "size of a response: one 512 x 512 head in npy",
        f"{over:.4f} x its float32 bytes before compression", "<= 1.1 x",
        reached=over <= 1.1,
    )  # fmt: skip
    best = interleaved(
        lambda: {"orjson": seconds(lambda: encode(one, "json"))},
        lambda: {"json": seconds(lambda: json.dumps({**one.facts, "values": weights.tolist()}).encode())},
        budget=2 if quick else 10,
    )
    faster = best["json"] / best["orjson"]
    measured = f"{faster:.0f} x faster ({milliseconds(best['orjson'])})"
    yield Row(
        "time of a response: the same as JSON, orjson compared with json.dumps", measured, ">= 10 x faster",
        f"json.dumps {milliseconds(best['json'])}", faster >= 10,
    )  # fmt: skip
