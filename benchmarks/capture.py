"""What a capture costs beside a plain SDPA forward, and beside those who keep every map."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from .figures import Point, Row, megabytes, time
from .measure import Figures, available_bytes, in_turns
from .models import HEADS, LAYERS, random_gpt2
from .peers import PeerMissing, interpreter
from .work import Worker, WorkFailed, worker

OURS, FORWARD, EAGER = "Headscope capture", "SDPA forward, no maps", "Hugging Face eager, all maps"
LENS, NNSIGHT = "TransformerLens, all maps", "nnsight, all maps"
NO_MAPS = (OURS, FORWARD)
ASKED_AT = 4096
SIZES = (128, 512, 1024, 2048, ASKED_AT, 8192)
LONGEST_OF_PEERS = 2048  # beyond, they take what eager takes, and minutes each


def start(stack: ExitStack, folder: Path) -> Iterator[tuple[str, Worker | str]]:
    """Each kind with its worker, or with the reason why there is none."""
    kinds: dict[str, Callable[[], tuple[str | Path, str, list[str | Path]]]] = {
        FORWARD: lambda: (sys.executable, "forward", ["sdpa", folder]),
        OURS: lambda: (sys.executable, "forward", ["capture", folder]),
        EAGER: lambda: (sys.executable, "forward", ["eager", folder]),
        LENS: lambda: (interpreter("transformer-lens"), "peer_lens", [folder]),
        NNSIGHT: lambda: (interpreter("nnsight"), "peer_nnsight", [folder]),
    }
    for kind, how in kinds.items():
        try:
            python, module, arguments = how()
            yield kind, stack.enter_context(worker(module, *arguments, python=python))
        except (PeerMissing, WorkFailed) as error:
            yield kind, str(error)


def timed(kind: str, one: Worker, tokens: int) -> Callable[[], Figures]:
    return lambda: {kind: one.ask(tokens=tokens)["seconds"]}


def fits(kind: str, tokens: int) -> bool:
    """Whether it is measured at this size: every map needs room, and a few layers of temporary ones."""
    if kind in (LENS, NNSIGHT) and tokens > LONGEST_OF_PEERS:
        return False
    return kind in NO_MAPS or 4 * tokens**2 * HEADS * (LAYERS + 4) < 0.8 * available_bytes()


def points(workers: dict[str, Worker], tokens: int, quick: bool) -> list[Point]:
    """One for each kind that has room; a kind that fails at this size is out."""
    able: dict[str, dict[str, float]] = {}
    for kind, one in workers.items():
        if fits(kind, tokens):
            try:
                able[kind] = one.ask(tokens=tokens, trim=True)
            except WorkFailed as error:
                print(f"{kind}, {tokens} tokens: {error}", flush=True)
    budget = 5 if quick else 60
    best = {kind: first["seconds"] for kind, first in able.items()}
    if sum(best.values()) < budget:
        best = in_turns(*(timed(kind, workers[kind], tokens) for kind in able), budget=budget)
    return [Point(kind, tokens, best[kind], int(first["bytes"])) for kind, first in able.items()]


def rows(quick: bool) -> Iterator[Row | Point]:
    """The points of the plot, and what was asked for at 4,096 tokens."""
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for kind, one in start(stack, random_gpt2()):
            if isinstance(one, str):
                yield Row(f"capture: {kind}", f"not measured: {one}")
            else:
                workers[kind] = one
        for tokens in (1024,) if quick else SIZES:
            found = points(workers, tokens, quick)
            yield from found
            if tokens == ASKED_AT:
                yield from asked({point.kind: point for point in found})


def asked(found: dict[str, Point]) -> Iterator[Row]:
    ours, eager = found[OURS], found.get(EAGER)
    what = f"capture at {ASKED_AT:,} tokens against eager with all maps"
    if eager is None:
        yield Row(what, "not measured: all maps have no room in this machine's memory")
        return
    faster, part = eager.seconds / ours.seconds, ours.bytes / eager.bytes
    beside = f"eager {time(eager.seconds)}, plain forward {time(found[FORWARD].seconds)}"
    yield Row(f"{what}: time", f"{faster:.1f} x faster ({time(ours.seconds)})", ">= 2 x faster", beside, faster >= 2)
    measured = f"1/{1 / part:.1f} ({megabytes(ours.bytes)})"
    yield Row(f"{what}: memory", measured, "<= 1/8 of the memory", f"eager {megabytes(eager.bytes)}", part <= 1 / 8)
