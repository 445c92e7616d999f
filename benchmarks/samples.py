"""What a server process uses, sampled over time (Linux), and whether it grows."""

from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from .http_client import Client
from .measurements import MEGABYTE

WARM_UP = 0.2  # share of the time in which caches, pools and the allocator fill
HIDDEN = ("headscope_request", "headscope_info")  # metrics of requests, which only count up


@dataclass(frozen=True)
class Sample:
    """At so many seconds after the start: the process, and the gauges and counters of /metrics.

    rss, children: bytes of memory of the server, and of the processes that it has started
    """

    seconds: float
    rss: int
    children: int
    threads: int
    files: int
    processes: int
    metrics: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


async def sample(seconds: float, process: int, client: Client) -> Sample:
    """Raises OSError if the process has ended."""
    metrics = numbers((await client.ask("/metrics")).body.decode())
    return Sample(seconds, *used_by(process), metrics)


def used_by(process: int) -> tuple[int, int, int, int, int]:
    """Bytes of memory, the same of the children, threads, open files, and processes."""
    home = Path(f"/proc/{process}")
    children = [int(child) for path in home.glob("task/*/children") for child in path.read_text().split()]
    threads, files = int(status_of(process)["Threads"]), len(list((home / "fd").iterdir()))
    return memory_of(process), sum(map(memory_of, children)), threads, files, 1 + len(children)


def memory_of(process: int) -> int:
    """Bytes; 0 of a process that has just ended."""
    try:
        return 1024 * int(status_of(process).get("VmRSS", "0").split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def status_of(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def numbers(text: str) -> dict[str, float]:
    """The metrics of the server itself, in Prometheus's text format."""
    lines = [line for line in text.splitlines() if line.startswith("headscope_") and not line.startswith(HIDDEN)]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


@dataclass(frozen=True)
class Growth:
    """From the first to the last third after the warm-up: the medians, and what the line through all of it says."""

    first: float
    last: float
    per_hour: float

    @property
    def share(self) -> float:
        return (self.last - self.first) / self.first if self.first else 0.0

    def megabytes(self) -> str:
        return f"{self.first / MEGABYTE:,.0f} -> {self.last / MEGABYTE:,.0f} MB ({self.per_hour / MEGABYTE:+,.0f} MB/h)"

    def count(self) -> str:
        return f"{self.first:,.0f} -> {self.last:,.0f}"


def growth(times: list[float], values: list[float]) -> Growth:
    """Of at least three samples."""
    start = times[0] + WARM_UP * (times[-1] - times[0])
    kept = [(time, value) for time, value in zip(times, values, strict=True) if time >= start]
    third = max(len(kept) // 3, 1)
    first, last = (median(value for _, value in part) for part in (kept[:third], kept[-third:]))
    return Growth(first, last, 3600 * slope(kept))


def slope(points: list[tuple[float, float]]) -> float:
    """Of the line with the least squares."""
    x0 = sum(x for x, _ in points) / len(points)
    y0 = sum(y for _, y in points) / len(points)
    spread = sum((x - x0) ** 2 for x, _ in points)
    return sum((x - x0) * (y - y0) for x, y in points) / spread if spread else 0.0
