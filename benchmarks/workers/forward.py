"""Forward passes of Headscope and Hugging Face: `python -m benchmarks.workers.forward sdpa|eager|capture FOLDER`."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from transformers import AutoModel, PreTrainedModel

from headscope.capture.capture import run
from headscope.models.loading import load
from headscope.records import ModelCard

from ..models import text
from .protocol import serve


@torch.inference_mode()
def forward(model: PreTrainedModel, patterns: bool, tokens: int) -> object:
    """The base model, without logits. With `patterns`, the patterns of all heads are returned."""
    output = model(torch.randint(256, (1, tokens)), use_cache=False, output_attentions=patterns)
    assert not patterns or output.attentions[-1].shape[-1] == tokens
    return output


def worker(kind: str, folder: str) -> Callable[..., object]:
    if kind == "capture":
        model = load(Path(folder), ModelCard("random", "", "", "local"))
        return lambda tokens: run(model, text(tokens))
    plain = AutoModel.from_pretrained(folder, attn_implementation=kind).eval()
    return partial(forward, plain, kind == "eager")


if __name__ == "__main__":
    work = worker(*sys.argv[1:])
    work(tokens=8)
    serve(work)
