"""CircuitsVis's heads of one layer as a page: `python -m benchmarks.workers.peer_circuitsvis`."""

from pathlib import Path

import torch
from circuitsvis.attention import attention_heads

from ..models import HEADS, text
from .answering import answer


def page(view: str, tokens: int, path: str) -> None:
    """Writes the page of 12 heads with its own copy of its script; from the maps on."""
    assert view == "attention_heads"
    scores = torch.randn(HEADS, tokens, tokens).masked_fill(torch.ones(tokens, tokens).triu(1).bool(), -torch.inf)
    html = attention_heads(scores.softmax(-1), list(text(tokens))).local_src
    Path(path).write_text(f'<!doctype html><meta charset="utf-8"><body>{html}')


if __name__ == "__main__":
    answer(page)
