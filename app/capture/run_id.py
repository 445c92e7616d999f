"""An id for runs that are no plain text: other tokens than a tokenizer gives, or an intervention in the model."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..records import Keep, ModelCard


def run_id(
    card: ModelCard,
    tokens: Sequence[int],
    intervention: Mapping[str, Any] | None = None,
    *,
    segments: Sequence[int] = (),
    target: Sequence[int] = (),
    keep: Keep = "float32",
) -> str:
    """The same for the same model, revision, token ids, intervention and options, on every server.

    A text that was decoded from token ids may have other ones when it is encoded again; so the ids count, not the text.

    segments:     of each token, for a pair of texts
    target:       token ids of a decoder's text
    intervention: JSON; the order of the names in it does not matter, the order in lists does. None and {} are no change

    Raises ValueError for NaN and infinite numbers, TypeError for what is no JSON.
    """
    described = {
        "model": [card.id, card.revision, *([card.dtype] if card.dtype != "float32" else [])],
        "tokens": [list(tokens), list(segments), list(target)],
        "intervention": dict(intervention or {}),
        "keep": keep,
    }
    text = json.dumps(described, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
