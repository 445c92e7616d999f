"""Norms of weighted values, compared with the full tensor [n n m] of Kobayashi et al."""

import numpy as np
import pytest
import torch

from headscope.analysis.formulas import norms
from headscope.analysis.formulas.norms import gram, of_all_heads, of_head

HEADS, SIZE, WIDTH, STREAM = 4, 5, 3, 12


@pytest.mark.parametrize("numbers", [2**21, 2 * HEADS * STREAM])  # all keys at once, and two
@pytest.mark.parametrize("groups", [4, 2, 1])
def test_norms_are_those_of_the_full_tensor(groups, numbers, monkeypatch):
    monkeypatch.setattr(norms, "NUMBERS_PER_BLOCK", numbers)
    make = torch.Generator().manual_seed(0)
    v = torch.randn(groups, SIZE, WIDTH, generator=make, dtype=torch.float64)
    out = torch.randn(STREAM, HEADS * WIDTH, generator=make, dtype=torch.float64)
    patterns = torch.rand(HEADS, SIZE, SIZE, generator=make, dtype=torch.float64)
    by_head = out.T.reshape(HEADS, WIDTH, STREAM)
    f = torch.stack([v[h // (HEADS // groups)] @ by_head[h] for h in range(HEADS)])
    whole = patterns[..., None] * f[:, None]
    kept = gram(v, out, HEADS)
    for head in range(HEADS):
        np.testing.assert_allclose(of_head(patterns[head], kept, head), whole[head].norm(dim=-1), atol=1e-12)
    np.testing.assert_allclose(of_all_heads(patterns, kept), whole.sum(0).norm(dim=-1), atol=1e-10)


def test_a_large_weight_on_a_short_value_has_little_effect():
    v = torch.tensor([[[0.1], [2.0]]])
    kept = gram(v, torch.eye(1), 1)
    np.testing.assert_allclose(of_head(torch.tensor([[0.9, 0.1]]), kept, 0), [[0.09, 0.2]], rtol=1e-6)
