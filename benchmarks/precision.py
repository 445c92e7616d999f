"""Accuracy of captures in float16: the largest difference of any weight of a text."""

import asyncio
from collections.abc import Iterator

from .measurements import Row, megabytes

TEXT = "The old bird by the river spoke to a white horse that had come from the hills. " * 12
BUNDLED = ("minilm", "gpt2-mini")


def rows(quick: bool) -> Iterator[Row]:
    """The included models. They are trained; with random weights, the difference would be much smaller."""
    import torch

    from headscope.capture.capture import run
    from headscope.engine.model_cache import ModelCache
    from headscope.settings import Settings

    models = ModelCache(Settings())
    for model_id in BUNDLED[: 1 if quick else None]:
        model = asyncio.run(models.model(model_id))
        with torch.inference_mode():
            exact, half = (run(model, TEXT, keep=keep) for keep in ("float32", "float16"))
            every, whole = range(exact.heads), range(len(exact.tokens))
            errors = [
                (narrow.block(every, whole, whole) - wide.block(every, whole, whole)).abs()
                for narrow, wide in zip(half.layers, exact.layers, strict=True)
            ]
        largest, mean = max(e.max().item() for e in errors), sum(e.mean().item() for e in errors) / len(errors)
        yield Row(
            f"captures in float16, {model_id}, {len(exact.tokens)} tokens",
            f"weights differ by {largest:.1e} at most, {mean:.1e} on average",
            comparison=f"{megabytes(half.bytes)}, in float32 {megabytes(exact.bytes)}",
        )
