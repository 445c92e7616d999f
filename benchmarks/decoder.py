"""The cost of a capture of a modern decoder, compared with a plain forward pass."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack

from .capture import timed
from .measure import interleaved
from .measurements import Row, megabytes, time
from .models import random_llama
from .worker import worker

SIZES = (512, 1024)
MOST = 1.05
OURS, FORWARD = "capture", "forward"


def rows(quick: bool) -> Iterator[Row]:
    folder = random_llama()
    with ExitStack() as stack:
        kinds = {FORWARD: "sdpa", OURS: "capture"}
        workers = {
            kind: stack.enter_context(worker("forward", name, folder, python=sys.executable))
            for kind, name in kinds.items()
        }
        for tokens in SIZES:
            first = {kind: one.ask(tokens=tokens, trim=True) for kind, one in workers.items()}
            works = [timed(kind, one, tokens) for kind, one in workers.items()]
            best = interleaved(*works, budget=5 if quick else 60, rounds=(5, 60))
            ratio = best[OURS] / best[FORWARD]
            yield Row(
                f"capture of a Llama shape (12 layers, 12 heads on 4, width 768), {tokens:,} tokens",
                f"{ratio:.2f} x the SDPA forward pass ({time(best[OURS])})",
                f"<= {MOST} x",
                f"forward {time(best[FORWARD])}, {megabytes(first[FORWARD]['bytes'])}; "
                f"capture {megabytes(first[OURS]['bytes'])}",
                ratio <= MOST,
            )
