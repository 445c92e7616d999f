"""TransformerLens with all patterns in its cache: `python -m benchmarks.workers.peer_lens FOLDER`."""

import sys
from functools import partial

import torch
from transformer_lens import TransformerBridge

from ..models import LAYERS
from .protocol import serve


@torch.inference_mode()
def patterns(model: TransformerBridge, tokens: int) -> object:
    ids = torch.randint(256, (1, tokens))
    _, cache = model.run_with_cache(ids, return_type=None, names_filter=lambda name: name.endswith("hook_pattern"))
    assert len(cache) == LAYERS
    return cache


if __name__ == "__main__":
    work = partial(patterns, TransformerBridge.boot_transformers(sys.argv[1], device="cpu"))
    work(tokens=8)
    serve(work)
