"""BertViz's pictures as a page: `python -m benchmarks.workers.peer_bertviz`."""

from pathlib import Path

import torch
from bertviz import head_view, model_view

from ..models import HEADS, LAYERS, text
from .answering import answer

VIEWS = {"model_view": model_view, "head_view": head_view}


def page(view: str, tokens: int, path: str) -> None:
    """Writes the page of all layers and heads; from the maps on, as the forward is no part of this."""
    scores = torch.randn(1, HEADS, tokens, tokens).masked_fill(torch.ones(tokens, tokens).triu(1).bool(), -torch.inf)
    maps = (scores.softmax(-1),) * LAYERS
    html = VIEWS[view](maps, list(text(tokens)), html_action="return").data
    Path(path).write_text(f'<!doctype html><meta charset="utf-8"><body>{html}')


if __name__ == "__main__":
    answer(page)
