"""The head detector of TransformerLens on given patterns: `python -m benchmarks.workers.peer_detector`."""

import numpy as np
import torch
from transformer_lens import head_detector

from .protocol import serve

NAMES = {"previous": "previous_token_head", "duplicate": "duplicate_token_head", "induction": "induction_head"}


def detect(given: str, found: str) -> None:
    """Read patterns [layer head i j] and token ids [i] from `given`, and write each score [layer head] to `found`."""
    with np.load(given) as arrays:
        patterns, tokens = torch.tensor(arrays["patterns"]), torch.tensor(arrays["tokens"])[None]
    scores = {}
    for name, theirs in NAMES.items():
        wanted = getattr(head_detector, f"get_{theirs}_detection_pattern")(tokens)
        options = {"exclude_bos": False, "exclude_current_token": False, "error_measure": "mul"}
        score = head_detector.compute_head_attention_similarity_score
        scores[name] = [[score(head, wanted, **options) for head in layer] for layer in patterns]
    np.savez(found, **{name: np.array(values) for name, values in scores.items()})


if __name__ == "__main__":
    serve(detect)
