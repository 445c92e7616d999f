"""The words of the benchmarks: what one of them finds out."""

from dataclasses import dataclass

MEGABYTE = 10**6


@dataclass(frozen=True)
class Row:
    """One line of the report. `asked` is empty where there is nothing to reach, `met` None where nothing was asked."""

    what: str
    measured: str
    asked: str = ""
    beside: str = ""
    met: bool | None = None


@dataclass(frozen=True)
class Point:
    """One run of one kind on so many tokens, for the plot: seconds, and bytes above what was held before."""

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
