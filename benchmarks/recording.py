"""The names of the benchmarks, and how their results get into benchmarks/README.md."""

import os
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from .measurements import Point, Row, megabytes, time
from .report import readme
from .results import Result, Results, save

# Order of the report, and of a run of all.
NAMES = (
    "grid",
    "windows",
    "capture",
    "decoder",
    "rules",
    "shards",
    "studies",
    "exactness",
    "precision",
    "wire",
    "load",
    "panning",
    "page",
    "roles",
    "pictures",
    "smollm2",
    "gpu",
    "types",
)

# Run only if it is named: it takes half an hour.
LONG = ("soak",)

Rows = Callable[[], Iterable[Row | Point]]


def record(name: str, rows: Rows, results: Results, result: Result, home: Path) -> bool:
    """Run one benchmark and save each result at once. Returns whether it finished without an error."""
    print(f"\n{name}", flush=True)
    try:
        for found in rows():
            print(f"  {line_of(found)}", flush=True)
            result.add(found)
            result.load = max(result.load, os.getloadavg()[1])
            results[name] = result
            save(home / "results.json", results)
            (home / "README.md").write_text(readme(results, (*NAMES, *LONG)))
    except Exception:  # noqa: BLE001 - an error in one benchmark must not stop the others
        traceback.print_exc()
        return False
    return True


def line_of(found: Row | Point) -> str:
    if isinstance(found, Point):
        return f"{found.kind}, {found.tokens:,} tokens: {time(found.seconds)}, {megabytes(found.bytes)}"
    target = f" (target: {found.target})" if found.target else ""
    return f"{found.what}: {found.measured}{target}; {found.comparison}".removesuffix("; ")
