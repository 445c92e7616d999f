"""Tiny models of every model type that reads text: whether their attention is shown exactly, and by which route.

The results are written to types.json, from which the lists in docs/models.md are made.
"""

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .measurements import Row
from .paths import CACHE, HERE

TYPES = HERE / "types.json"
BATCH = 24  # types a process measures before it ends, so that its memory does not grow
SECONDS = 120.0  # for one type
EXACT = 1e-5
WANTED, WANTED_FOLLOWED = 220, 30  # types that read text
QUICK = ("albert", "bart", "bloom", "deepseek_v32", "gpt_oss", "jamba", "llama", "t5")

Found = dict[str, dict[str, Any]]


def rows(quick: bool) -> Iterator[Row]:
    """How many types are within 1e-5 of eager attention, and how many load from files."""
    from headscope.models.types import FOLLOWED, INTERFACE

    types = QUICK if quick else sorted(INTERFACE | FOLLOWED)
    found = measure(types)
    save(found, CACHE / "types.json" if quick else TYPES)
    if not quick:
        from .types_report import write

        write()
    routes = (("through transformers' interface", INTERFACE, WANTED), ("followed", FOLLOWED, WANTED_FOLLOWED))
    for route, of_route, wanted in routes:
        asked = [name for name in types if name in of_route]
        shown = [name for name in asked if exact(found[name])]
        loaded = [name for name in asked if "errors_loaded" in found[name]]
        yield Row(
            f"model types whose attention is shown, {route}",
            f"{len(shown)} of {len(asked)}",
            target="" if quick else f"{wanted} within {EXACT:.0e} of eager attention",
            reached=None if quick else len(shown) >= wanted,
            comparison=f"{len(loaded)} also from files; largest error {worst(found, shown):.1e}",
        )


def exact(of_type: dict[str, Any]) -> bool:
    return max(of_type.get("pattern", 1), of_type.get("output", 1)) <= EXACT


def worst(found: Found, names: Sequence[str]) -> float:
    return max((max(found[name]["pattern"], found[name]["output"]) for name in names), default=0.0)


def save(found: Found, path: Path) -> None:
    """One line for each type."""
    lines = [f"{json.dumps(name)}: {json.dumps(found[name])}" for name in sorted(found)]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def measure(types: Sequence[str]) -> Found:
    """What became of each type. One that ends its process, or takes too long, stops no other."""
    found: Found = {}
    waiting = list(types)
    while waiting:
        for name, result in answers(waiting[:BATCH]):
            waiting.remove(name)
            found[name] = result
            print(f"  {name}: {result.get('remark', result.get('pattern'))}", flush=True)
    return found


def answers(types: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The results of one process, until it ends."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe(duplex=False)
    process = context.Process(target=serve, args=(types, its))
    process.start()
    its.close()
    try:
        for name in types:
            if not ours.poll(SECONDS):
                yield name, {"remark": f"it takes more than {SECONDS:.0f} s"}
                return
            yield name, ours.recv()
    except EOFError:
        process.join()
        yield name, {"remark": f"its process ended with exit code {process.exitcode}"}
    finally:
        process.kill()
        process.join()


def serve(types: Sequence[str], pipe: Any) -> None:
    """In the other process, which alone imports torch."""
    from .workers.one_type import serve as serve_types

    serve_types(types, pipe)
