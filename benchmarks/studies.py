"""Cost of scores and similarity, compared with writing all patterns once; and scores compared with TransformerLens."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from .measure import Timings, interleaved
from .measurements import Row, megabytes, time
from .models import random_gpt2
from .paths import CACHE
from .peers import PeerMissing, interpreter
from .worker import Worker, WorkFailed, worker

WHAT = "14 scores and the similarity of 144 heads"
LONG = 16_384
# The detector divides by the number of all queries; Headscope divides by the number of counted queries. In this text,
# no token is next to its copy: there, the detector would count the query itself as the token that followed.
REPEATED = "The old bird spoke to a white horse. " * 3


def timing(one: Worker, kind: str, tokens: int) -> Callable[[], Timings]:
    return lambda: {kind: one.ask(tokens=tokens)["seconds"]}


def rows(quick: bool) -> Iterator[Row]:
    with ExitStack() as stack:
        both = {
            kind: stack.enter_context(worker("studies", kind, random_gpt2(), python=sys.executable))
            for kind in ("studies", "patterns")
        }
        for one in both.values():
            one.ask(tokens=1024, ready=True)
        best = interleaved(*(timing(one, kind, 1024) for kind, one in both.items()), budget=5 if quick else 60)
        ratio = best["studies"] / best["patterns"]
        comparison = f"writing all patterns once {time(best['patterns'])}"
        measured = f"{time(best['studies'])}: {ratio:.2f} x writing the patterns"
        yield Row(f"{WHAT}, 1,024 tokens: time", measured, "<= 2 x writing the patterns", comparison, ratio <= 2)
        for tokens in (1024,) if quick else (1024, LONG):
            yield memory(both["studies"], tokens)
    yield from compared_with_the_detector()


def memory(one: Worker, tokens: int) -> Row:
    """Memory in addition to the capture."""
    one.ask(tokens=tokens, ready=True)
    found = one.ask(tokens=tokens, trim=True)
    what = f"{WHAT}, {tokens:,} tokens: memory in addition to the capture"
    measured = f"{megabytes(found['bytes'])}, in {time(found['seconds'])}"
    return Row(what, measured, "<= 200 MB", "", found["bytes"] <= 200 * 10**6)


def compared_with_the_detector() -> Iterator[Row]:
    """The same patterns of gpt2-mini, scored by TransformerLens."""
    what = "previous, duplicate and induction scores, compared with the head detector of TransformerLens"
    given, found = CACHE / "patterns.npz", CACHE / "detected.npz"
    try:
        ours, counted = scored(given)
        with worker("peer_detector", python=interpreter("transformer-lens")) as one:
            one.ask(given=str(given), found=str(found))
    except (PeerMissing, WorkFailed) as error:
        yield Row(what, f"not measured: {error}")
        return
    with np.load(found) as theirs:
        apart = max(abs(theirs[name] * len_of(given) / counted[name] - ours[name]).max() for name in ours)
    note = "TransformerLens takes the mean over all queries, Headscope over the queries that have such a key"
    yield Row(what, f"differ by {apart:.0e} at most, after the same normalisation", comparison=note)


def len_of(given: Path) -> int:
    with np.load(given) as arrays:
        return len(arrays["tokens"])


def scored(given: Path) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Scores of gpt2-mini, and the number of queries each counts. The patterns are written to the file."""
    import asyncio

    from headscope.analysis.scores import per_head, per_query
    from headscope.analysis.table import BY_NAME
    from headscope.capture.capture import run
    from headscope.engine.model_cache import ModelCache
    from headscope.settings import Settings

    capture = run(asyncio.run(ModelCache(Settings()).model("gpt2-mini")), REPEATED)
    every, size = range(capture.heads), range(len(capture.tokens))
    patterns = np.stack([layer.block(every, size, size).numpy() for layer in capture.layers])
    np.savez(given, patterns=patterns, tokens=[token.id for token in capture.tokens])
    names = ("previous", "duplicate", "induction")
    scores = [BY_NAME[name] for name in names]
    counted = (~np.isnan(per_query(capture, scores)[:, 0, 0])).sum(-1)
    return dict(zip(names, per_head(capture, scores), strict=True)), dict(zip(names, counted.tolist(), strict=True))
