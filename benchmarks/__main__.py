"""`python -m benchmarks [NAME ...] [--quick]`: measure, print, and write benchmarks/README.md as results come."""

import os
import traceback
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from .figures import Point, Row, megabytes, time
from .machine import facts
from .places import CACHE, HERE
from .report import readme
from .results import Result, Results, load, save

# In this order in the report, and when all are run: the quick ones first.
NAMES = ("grid", "windows", "capture", "studies", "precision", "wire", "panning", "page", "pictures", "gpu")


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"which: {', '.join(NAMES)}; all by default")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="fewer rounds and sizes; kept apart from the report")] = False,
) -> None:
    """Measure these benchmarks, or all; what the others found before stays in the report."""
    for name in names or ():
        if name not in NAMES:
            raise typer.BadParameter(f"{name}: take any of {', '.join(NAMES)}")
    CACHE.mkdir(exist_ok=True)
    home = CACHE if quick else HERE
    results = load(home / "results.json")
    machine = facts()
    failed = [name for name in names or NAMES if not measured(name, results, Result(machine), home, quick)]
    if points := [point for result in results.values() for point in result.points]:
        from .plot import draw

        draw(points, home / "capture.svg")
    print(f"\n{home / 'README.md'}")
    if failed:
        print(f"broke off: {', '.join(failed)}")
        raise typer.Exit(1)


def measured(name: str, results: Results, result: Result, home: Path, quick: bool) -> bool:
    """Whether it came to its end; what it found until then is kept, each as it comes."""
    print(f"\n{name}", flush=True)
    try:
        for found in import_module(f"benchmarks.{name}").rows(quick):
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


if __name__ == "__main__":
    typer.run(main)
