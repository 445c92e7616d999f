"""The results of benchmarks, and how numbers are written."""

from dataclasses import dataclass

MEGABYTE = 10**6


@dataclass(frozen=True)
class Row:
    """One row of the report. Without a target, `target` is empty and `reached` is None."""

    what: str
    measured: str
    target: str = ""
    comparison: str = ""
    reached: bool | None = None


@dataclass(frozen=True)
class Point:
    """One run of one kind on so many tokens: seconds, and bytes of memory in addition to those held before."""

    kind: str
    tokens: int
    seconds: float
    bytes: int


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.{1 if seconds < 0.1 else 0}f} ms"


def time(seconds: float) -> str:
    return f"{seconds:,.{2 if seconds < 10 else 1}f} s"


def megabytes(count: float) -> str:
    return f"{count / MEGABYTE:,.0f} MB"
