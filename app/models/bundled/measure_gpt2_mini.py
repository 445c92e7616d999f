"""Compute the numbers on the model card of `gpt2-mini`: scores of the heads, held-out loss, unigram entropy."""

import numpy as np
import torch
from transformers import GPT2LMHeadModel

START_ID = 0
VOCABULARY = 4096


@torch.no_grad()
def head_scores(model: GPT2LMHeadModel, sequences: int = 10, length: int = 50) -> dict[str, list[list[float]]]:
    """Induction and previous-token score of every head, [layer][head].

    On a start token and `length` random tokens, repeated once (Olsson et al. 2022). Induction: the mean weight of the
    second copy's queries on the token after the earlier copy (offset 1 - length). Previous token: the mean weight on
    the token before the query.
    """
    ids = torch.randint(1, VOCABULARY, (sequences, length), generator=torch.Generator().manual_seed(0))
    ids = torch.cat([torch.full((sequences, 1), START_ID), ids, ids], dim=1)
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    maps = torch.stack(model(ids, output_attentions=True).attentions)  # [l b h i j]
    model.set_attn_implementation(before)
    induction = maps.diagonal(1 - length, -2, -1)[..., 2:].mean((1, -1))
    previous = maps.diagonal(-1, -2, -1).mean((1, -1))
    return {"induction": induction.tolist(), "previous": previous.tolist()}


@torch.no_grad()
def held_out_loss(model: GPT2LMHeadModel, held_out: np.ndarray, window: int = 256, rows: int = 200) -> float:
    """Nats per token over consecutive windows of the held-out novels."""
    rows = min(rows, len(held_out) // window)
    ids = torch.from_numpy(held_out[: rows * window].reshape(rows, window))
    losses = [
        torch.nn.functional.cross_entropy(model(part).logits[:, :-1].flatten(0, 1), part[:, 1:].flatten())
        for part in torch.split(ids, 10)
    ]
    return float(torch.stack(losses).mean())


def unigram_entropy(ids: np.ndarray) -> float:
    """Nats per token of the best prediction from token frequencies alone."""
    share = np.bincount(ids, minlength=VOCABULARY) / len(ids)
    return float(-(share[share > 0] * np.log(share[share > 0])).sum())


def report(model: GPT2LMHeadModel, held_out: np.ndarray) -> dict[str, object]:
    scores = head_scores(model)
    best = {f"best_{name}": round(max(map(max, values)), 4) for name, values in scores.items()}
    far = {f"{name}_200": round(max(map(max, values)), 4) for name, values in head_scores(model, length=200).items()}
    return {"held_out": round(held_out_loss(model, held_out), 4), **best, **far}
