"""`python -m benchmarks [NAME ...] [--quick]`: measure, print, and write benchmarks/README.md as results come."""

from importlib import import_module
from typing import Annotated

import typer

from .machine import facts
from .places import CACHE, HERE
from .results import Result, load
from .writing import NAMES, Rows, written


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
    chosen = {name: rows_of(name, quick) for name in names or NAMES}
    failed = [name for name, rows in chosen.items() if not written(name, rows, results, Result(machine), home)]
    if points := [point for result in results.values() for point in result.points]:
        from .plot import draw

        draw(points, home / "capture.svg")
    print(f"\n{home / 'README.md'}")
    if failed:
        print(f"broke off: {', '.join(failed)}")
        raise typer.Exit(1)


def rows_of(name: str, quick: bool) -> Rows:
    return lambda: import_module(f"benchmarks.{name}").rows(quick)


if __name__ == "__main__":
    typer.run(main)
