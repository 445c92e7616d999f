"""What it costs to say what every head does, beside writing all maps out once; and the scores beside a peer's."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from .figures import Row, megabytes, time
from .measure import Figures, in_turns
from .models import random_gpt2
from .peers import PeerMissing, interpreter
from .places import CACHE
from .work import Worker, WorkFailed, worker

WHAT = "14 scores of 144 heads and how alike these are"
LONG = 16_384
# What the detector adds up over all queries, ours is the mean of over the queries that are counted. Of the text below
# no token stands beside its copy, where it would count the query itself as what followed.
REPEATED = "The old bird spoke to a white horse. " * 3


def asked(one: Worker, kind: str, tokens: int) -> Callable[[], Figures]:
    return lambda: {kind: one.ask(tokens=tokens)["seconds"]}


def rows(quick: bool) -> Iterator[Row]:
    with ExitStack() as stack:
        both = {
            kind: stack.enter_context(worker("studies", kind, random_gpt2(), python=sys.executable))
            for kind in ("studies", "maps")
        }
        for one in both.values():
            one.ask(tokens=1024, ready=True)
        best = in_turns(*(asked(one, kind, 1024) for kind, one in both.items()), budget=5 if quick else 60)
        ratio, beside = best["studies"] / best["maps"], f"all maps written out once {time(best['maps'])}"
        measured = f"{time(best['studies'])}: {ratio:.2f} x the maps"
        yield Row(f"{WHAT}, 1,024 tokens: time", measured, "<= 2 x the maps", beside, ratio <= 2)
        for tokens in (1024,) if quick else (1024, LONG):
            yield memory(both["studies"], tokens)
    yield from beside_the_detector()


def memory(one: Worker, tokens: int) -> Row:
    """What they need above the capture."""
    one.ask(tokens=tokens, ready=True)
    found = one.ask(tokens=tokens, trim=True)
    what = f"{WHAT}, {tokens:,} tokens: memory above the capture"
    measured = f"{megabytes(found['bytes'])}, in {time(found['seconds'])}"
    return Row(what, measured, "<= 200 MB", "", found["bytes"] <= 200 * 10**6)


def beside_the_detector() -> Iterator[Row]:
    """The same patterns of gpt2-mini, scored by TransformerLens."""
    what = "previous, duplicate and induction scores against TransformerLens's head detector"
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
    note = "theirs is the sum over all queries by their number, ours the mean over those that have such a key"
    yield Row(what, f"differ by {apart:.0e} at most, each by its own count of queries", beside=note)


def len_of(given: Path) -> int:
    with np.load(given) as arrays:
        return len(arrays["tokens"])


def scored(given: Path) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Ours of gpt2-mini, and how many queries each counts; the patterns that they are of go to the file."""
    import asyncio

    from headscope.analysis.scores import per_head, per_query
    from headscope.analysis.table import BY_NAME
    from headscope.capture.capture import run
    from headscope.engine.model_cache import Shelf
    from headscope.settings import Settings

    capture = run(asyncio.run(Shelf(Settings()).model("gpt2-mini")), REPEATED)
    every, size = range(capture.heads), range(len(capture.tokens))
    patterns = np.stack([layer.block(every, size, size).numpy() for layer in capture.layers])
    np.savez(given, patterns=patterns, tokens=[token.id for token in capture.tokens])
    names = ("previous", "duplicate", "induction")
    scores = [BY_NAME[name] for name in names]
    counted = (~np.isnan(per_query(capture, scores)[:, 0, 0])).sum(-1)
    return dict(zip(names, per_head(capture, scores), strict=True)), dict(zip(names, counted.tolist(), strict=True))
