"""Pictures of BertViz as a page: `python -m benchmarks.workers.peer_bertviz`."""

from pathlib import Path

import torch
from bertviz import head_view, model_view

from ..models import HEADS, LAYERS, text
from .protocol import serve

VIEWS = {"model_view": model_view, "head_view": head_view}


def page(view: str, tokens: int, path: str) -> None:
    """Write the page of all layers and heads. The patterns are given: the forward pass is not measured."""
    scores = torch.randn(1, HEADS, tokens, tokens).masked_fill(torch.ones(tokens, tokens).triu(1).bool(), -torch.inf)
    patterns = (scores.softmax(-1),) * LAYERS
    html = VIEWS[view](patterns, list(text(tokens)), html_action="return").data
    Path(path).write_text(f'<!doctype html><meta charset="utf-8"><body>{html}')


if __name__ == "__main__":
    serve(page)
