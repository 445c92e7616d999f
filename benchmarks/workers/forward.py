"""Ours and Hugging Face's: `python -m benchmarks.workers.forward sdpa|eager|capture FOLDER`."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from transformers import GPT2Model

from headscope.capture.capture import run
from headscope.models.loading import load
from headscope.records import ModelCard

from ..models import text
from .answering import answer


@torch.inference_mode()
def forward(model: GPT2Model, maps: bool, tokens: int) -> object:
    """The base model: no logits. With `maps`, every map of every head is asked for and kept."""
    output = model(torch.randint(256, (1, tokens)), use_cache=False, output_attentions=maps)
    assert not maps or output.attentions[-1].shape[-1] == tokens
    return output


def worker(kind: str, folder: str) -> Callable[..., object]:
    if kind == "capture":
        model = load(Path(folder), ModelCard("random", "", "gpt2", "local"))
        return lambda tokens: run(model, text(tokens))
    plain = GPT2Model.from_pretrained(folder, attn_implementation=kind).eval()
    return partial(forward, plain, kind == "eager")


if __name__ == "__main__":
    work = worker(*sys.argv[1:])
    work(tokens=8)
    answer(work)
