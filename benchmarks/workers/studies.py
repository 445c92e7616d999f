"""Scores and similarity, or all patterns once: `python -m benchmarks.workers.studies patterns|studies FOLDER`."""

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch

from headscope.analysis.scores import per_head
from headscope.analysis.similarity import similarity
from headscope.analysis.table import ROW_SCORES
from headscope.capture.capture import Capture, run
from headscope.models.loading import load
from headscope.records import ModelCard

from ..models import text
from .protocol import serve


def worker(kind: str, folder: str) -> Callable[..., object]:
    model = load(Path(folder), ModelCard("random", "", "gpt2", "local"))

    @lru_cache(maxsize=1)
    def captured(tokens: int) -> Capture:
        return run(model, text(tokens))

    @torch.inference_mode()
    def patterns(capture: Capture) -> None:
        size = range(len(capture.tokens))
        for layer in capture.layers:
            layer.block(range(capture.heads), size, size)

    def studies(capture: Capture) -> None:
        per_head(capture, ROW_SCORES)
        similarity(capture, range(len(capture.layers)))

    work = {"patterns": patterns, "studies": studies}[kind]
    return lambda tokens, ready=False: captured(tokens) if ready else work(captured(tokens))


if __name__ == "__main__":
    serve(worker(*sys.argv[1:]))
