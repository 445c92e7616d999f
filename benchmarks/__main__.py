"""`python -m benchmarks [NAME ...] [--quick]`: runs benchmarks, prints the results, and writes benchmarks/README.md."""

from importlib import import_module
from typing import Annotated

import typer

from .machine import facts
from .paths import CACHE, HERE
from .recording import LONG, NAMES, Rows, record
from .results import Result, load

ALL = (*NAMES, *LONG)


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"{', '.join(ALL)}; default: all but {LONG[0]}")] = None,
    minutes: Annotated[float | None, typer.Option(help="how long the soak takes")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="fewer rounds and sizes; the report is written to .bench")
    ] = False,
) -> None:
    """Run these benchmarks. The report keeps the earlier results of the others."""
    for name in names or ():
        if name not in ALL:
            raise typer.BadParameter(f"{name}: choose from {', '.join(ALL)}")
    CACHE.mkdir(exist_ok=True)
    home = CACHE if quick else HERE
    results = load(home / "results.json")
    machine = facts()
    chosen = {name: rows_of(name, quick, minutes) for name in names or NAMES}
    failed = [name for name, rows in chosen.items() if not record(name, rows, results, Result(machine), home)]
    if points := [point for result in results.values() for point in result.points]:
        from .plot import draw

        draw(points, home / "capture.svg")
    if "soak" in chosen and "soak" not in failed:
        from .soak import draw as draw_soak

        draw_soak(home / "soak.svg")
    print(f"\n{home / 'README.md'}")
    if failed:
        print(f"failed: {', '.join(failed)}")
        raise typer.Exit(1)


def rows_of(name: str, quick: bool, minutes: float | None) -> Rows:
    rows = import_module(f"benchmarks.{name}").rows
    return lambda: rows(quick, minutes) if name in LONG else rows(quick)


if __name__ == "__main__":
    typer.run(main)
