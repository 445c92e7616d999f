"""Results, saved in results.json after each measurement: an interrupted run loses nothing."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .measurements import Point, Row


@dataclass
class Result:
    """The results of one benchmark, and the machine.

    load: the largest load average of five minutes during the benchmark
    """

    machine: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    load: float = 0

    def add(self, found: Row | Point) -> None:
        if isinstance(found, Row):
            self.rows.append(found)
        else:
            self.points.append(found)


Results = dict[str, Result]


def load(path: Path) -> Results:
    """Empty if nothing was measured yet."""
    if not path.is_file():
        return {}
    kept: dict[str, Any] = json.loads(path.read_text())
    return {
        name: Result(
            one["machine"],
            [Row(**row) for row in one["rows"]],
            [Point(**point) for point in one["points"]],
            one["load"],
        )
        for name, one in kept.items()
    }


def save(path: Path, results: Results) -> None:
    kept = {name: asdict(result) for name, result in results.items()}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
