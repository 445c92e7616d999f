"""Heads of one layer by CircuitsVis as a page: `python -m benchmarks.workers.peer_circuitsvis`."""

from pathlib import Path

import torch
from circuitsvis.attention import attention_heads

from ..models import HEADS, text
from .protocol import serve


def page(view: str, tokens: int, path: str) -> None:
    """Write the page of 12 heads, with a copy of its script. The patterns are given."""
    assert view == "attention_heads"
    scores = torch.randn(HEADS, tokens, tokens).masked_fill(torch.ones(tokens, tokens).triu(1).bool(), -torch.inf)
    html = attention_heads(scores.softmax(-1), list(text(tokens))).local_src
    Path(path).write_text(f'<!doctype html><meta charset="utf-8"><body>{html}')


if __name__ == "__main__":
    serve(page)
