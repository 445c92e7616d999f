"""nnsight saves all patterns of an eager Hugging Face model: `python -m benchmarks.workers.peer_nnsight FOLDER`."""

import sys
from functools import partial

import torch
from nnsight import NNsight
from transformers import GPT2Model

from .protocol import serve


@torch.inference_mode()
def patterns(model: NNsight, tokens: int) -> object:
    kept = []
    with model.trace(torch.randint(256, (1, tokens)), use_cache=False):
        for block in model.h:
            kept.append(block.attn.output[1].save())  # noqa: PERF401 - nnsight reads these lines and runs them elsewhere
    assert kept[-1].shape[-1] == tokens
    return kept


if __name__ == "__main__":
    work = partial(patterns, NNsight(GPT2Model.from_pretrained(sys.argv[1], attn_implementation="eager").eval()))
    work(tokens=8)
    serve(work)
