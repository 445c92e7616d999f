"""Memory of masks, and the time of a window of one, at 16,384 tokens."""

import random
from collections.abc import Callable, Iterator
from typing import Any

from .measure import interleaved, seconds
from .measurements import Row

TOKENS, SIDE = 16_384, 256
MOST_BYTES, MOST_SECONDS = 10**6, 0.001


def intervals() -> dict[str, Callable[[], Any]]:
    """Masks with one interval of keys for each query."""
    import torch

    from headscope.attention.rules import Rule, banded, causal, full

    at = torch.arange(TOKENS, dtype=torch.int32)
    return {
        "full": lambda: full(TOKENS, TOKENS),
        "causal": lambda: causal(TOKENS, TOKENS),
        "causal window of 4,096": lambda: banded(TOKENS, TOKENS, before=4095, after=0),
        "two-sided window of 128": lambda: banded(TOKENS, TOKENS, before=64, after=64),
        "chunks of 8,192": lambda: Rule(TOKENS, TOKENS, (at // 8192 * 8192)[None], (at + 1)[None]),
        "prefix of 1,000, then causal": lambda: Rule(
            TOKENS, TOKENS, torch.zeros_like(at)[None], (at + 1).clamp(min=1000)[None]
        ),
        "causal, with padding": lambda: causal(TOKENS, TOKENS).and_padding(at[None] < 15_000),
        "causal, without 100 edges of 12 heads": lambda: causal(TOKENS, TOKENS).without(
            torch.stack([torch.arange(100) % 12, torch.arange(100) + 200, torch.arange(100)], 1), 12
        ),
    }


def rows(quick: bool) -> Iterator[Row]:
    made = {name: make() for name, make in intervals().items()}
    best = interleaved(
        *(lambda name=name, rule=rule: {name: block_seconds(rule)} for name, rule in made.items()),
        budget=1 if quick else 10,
        rounds=(10, 2000),
    )
    for name, rule in made.items():
        reached = rule.bytes <= MOST_BYTES and best[name] <= MOST_SECONDS
        yield Row(
            f"mask of {TOKENS:,} tokens: {name}",
            f"{rule.bytes / 1000:,.0f} kB, a block of {SIDE} x {SIDE} in {best[name] * 1000:.2f} ms",
            "<= 1 MB, <= 1 ms", f"as a square of bytes {TOKENS**2 // 10**6} MB", reached,
        )  # fmt: skip
    yield without_intervals()


def block_seconds(rule: Any) -> float:
    row = random.randrange(TOKENS - SIDE)
    column = random.randrange(row + 1)
    column = min(column, TOKENS - SIDE)
    return seconds(lambda: rule.block(range(row, row + SIDE), range(column, column + SIDE)))


def without_intervals() -> Row:
    """A mask that needs a bit for each cell."""
    import torch

    from headscope.attention.rules import from_blocks

    def every_other(rows: range) -> Any:
        i, j = torch.arange(rows.start, rows.stop)[:, None], torch.arange(TOKENS)
        return ((j <= i) & ((i - j) % 2 == 0))[None, None]

    rule = from_blocks(every_other, TOKENS, TOKENS)
    taken = min(block_seconds(rule) for _ in range(500))
    return Row(
        f"mask of {TOKENS:,} tokens that has no intervals: every other key",
        f"{rule.bytes / 1e6:,.0f} MB, one bit a cell; a block of {SIDE} x {SIDE} in {taken * 1000:.2f} ms",
    )
