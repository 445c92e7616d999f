"""Windows of one capture: `python -m benchmarks.workers.head FOLDER TOKENS`."""

import sys
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from headscope.capture.capture import Capture, run
from headscope.capture.windows import head_window, window
from headscope.models.loading import load
from headscope.records import ModelCard

from ..models import text
from .protocol import serve

Span = tuple[int, int]


def read_window(
    capture: Capture, head: int, rows: Span, columns: Span, cells: int, pool: Literal["max", "mean"] = "max"
) -> object:
    """Rows that were read before keep their sums, so that only the window itself is computed."""
    part = window(len(capture.tokens), rows, columns, cells)
    return head_window(capture, len(capture.layers) - 1, head, part, pool)


@torch.inference_mode()
def forget(capture: Capture, head: int) -> None:
    """Let the next window of the head be the first."""
    capture.layers[-1].exact_lse[head].fill_(torch.nan)


def work(capture: Capture, head: int, forgotten: bool = False, **what: Any) -> object:
    if forgotten:
        return forget(capture, head)
    return read_window(capture, head, **what)


if __name__ == "__main__":
    folder, tokens = Path(sys.argv[1]), int(sys.argv[2])
    capture = run(load(folder, ModelCard("random", "", "gpt2", "local")), text(tokens))
    read_window(capture, head=0, rows=(0, 64), columns=(0, 64), cells=64)
    serve(partial(work, capture))
