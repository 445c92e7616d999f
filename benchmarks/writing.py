"""Which benchmarks there are, and how what they find gets into benchmarks/README.md: as it comes."""

import os
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

from .figures import Point, Row, megabytes, time
from .report import readme
from .results import Result, Results, save

# In this order in the report, and when all are run: the quick ones first.
NAMES = (
    "grid",
    "windows",
    "capture",
    "studies",
    "exactness",
    "precision",
    "wire",
    "panning",
    "page",
    "roles",
    "pictures",
    "gpu",
)

# Called when it is its turn.
Rows = Callable[[], Iterable[Row | Point]]


def written(name: str, rows: Rows, results: Results, result: Result, home: Path) -> bool:
    """Whether it came to its end; what it found until then is kept, each as it comes."""
    print(f"\n{name}", flush=True)
    try:
        for found in rows():
            print(f"  {said(found)}", flush=True)
            result.add(found)
            result.load = max(result.load, os.getloadavg()[1])
            results[name] = result
            save(home / "results.json", results)
            (home / "README.md").write_text(readme(results, NAMES))
    except Exception:  # noqa: BLE001 - one that breaks must not cost the others
        traceback.print_exc()
        return False
    return True


def said(found: Row | Point) -> str:
    if isinstance(found, Point):
        return f"{found.kind}, {found.tokens:,} tokens: {time(found.seconds)}, {megabytes(found.bytes)}"
    asked = f" (asked: {found.asked})" if found.asked else ""
    return f"{found.what}: {found.measured}{asked}; {found.beside}".removesuffix("; ")
