"""The cost of a capture, compared with a plain forward pass and with tools that keep every pattern."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from .measure import Timings, available_bytes, interleaved
from .measurements import Point, Row, megabytes, time
from .models import HEADS, LAYERS, random_gpt2
from .peers import PeerMissing, interpreter
from .worker import Worker, WorkFailed, worker

OURS, FORWARD, EAGER = "Headscope capture", "SDPA forward, no patterns", "Hugging Face eager, all patterns"
LENS, NNSIGHT = "TransformerLens, all patterns", "nnsight, all patterns"
NO_PATTERNS = (OURS, FORWARD)
COMPARED_AT = 4096
SIZES = (128, 512, 1024, 2048, COMPARED_AT, 8192)
LONGEST_OF_PEERS = 2048  # longer texts cost the same as eager attention, and take minutes


def start(stack: ExitStack, folder: Path) -> Iterator[tuple[str, Worker | str]]:
    """Each kind with its worker, or with the reason why it cannot be measured."""
    kinds: dict[str, Callable[[], tuple[str | Path, str, list[str | Path]]]] = {
        FORWARD: lambda: (sys.executable, "forward", ["sdpa", folder]),
        OURS: lambda: (sys.executable, "forward", ["capture", folder]),
        EAGER: lambda: (sys.executable, "forward", ["eager", folder]),
        LENS: lambda: (interpreter("transformer-lens"), "peer_lens", [folder]),
        NNSIGHT: lambda: (interpreter("nnsight"), "peer_nnsight", [folder]),
    }
    for kind, command in kinds.items():
        try:
            python, module, arguments = command()
            yield kind, stack.enter_context(worker(module, *arguments, python=python))
        except (PeerMissing, WorkFailed) as error:
            yield kind, str(error)


def timed(kind: str, one: Worker, tokens: int) -> Callable[[], Timings]:
    return lambda: {kind: one.ask(tokens=tokens)["seconds"]}


def fits(kind: str, tokens: int) -> bool:
    """Whether there is memory for all patterns of this size, and for temporary ones of a few layers."""
    if kind in (LENS, NNSIGHT) and tokens > LONGEST_OF_PEERS:
        return False
    return kind in NO_PATTERNS or 4 * tokens**2 * HEADS * (LAYERS + 4) < 0.8 * available_bytes()


def points(workers: dict[str, Worker], tokens: int, quick: bool) -> list[Point]:
    """One point for each kind that fits into memory and does not fail at this size."""
    first_runs: dict[str, dict[str, float]] = {}
    for kind, one in workers.items():
        if fits(kind, tokens):
            try:
                first_runs[kind] = one.ask(tokens=tokens, trim=True)
            except WorkFailed as error:
                print(f"{kind}, {tokens} tokens: {error}", flush=True)
    budget = 5 if quick else 60
    best = {kind: first["seconds"] for kind, first in first_runs.items()}
    if sum(best.values()) < budget:
        best = interleaved(*(timed(kind, workers[kind], tokens) for kind in first_runs), budget=budget)
    return [Point(kind, tokens, best[kind], int(first["bytes"])) for kind, first in first_runs.items()]


def rows(quick: bool) -> Iterator[Row | Point]:
    """The points of the plot, and the rows with a target, at 4,096 tokens."""
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
            if tokens == COMPARED_AT:
                yield from targets({point.kind: point for point in found})


def targets(found: dict[str, Point]) -> Iterator[Row]:
    ours, eager = found[OURS], found.get(EAGER)
    what = f"capture at {COMPARED_AT:,} tokens, compared with eager attention that keeps all patterns"
    if eager is None:
        yield Row(what, "not measured: the patterns do not fit into the memory of this machine")
        return
    faster, part = eager.seconds / ours.seconds, ours.bytes / eager.bytes
    comparison = f"eager {time(eager.seconds)}, plain forward {time(found[FORWARD].seconds)}"
    yield Row(
        f"{what}: time", f"{faster:.1f} x faster ({time(ours.seconds)})", ">= 2 x faster", comparison, faster >= 2
    )
    measured = f"1/{1 / part:.1f} ({megabytes(ours.bytes)})"
    yield Row(f"{what}: memory", measured, "<= 1/8 of the memory", f"eager {megabytes(eager.bytes)}", part <= 1 / 8)
