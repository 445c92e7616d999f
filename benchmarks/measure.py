"""Time and memory on a shared machine: runs are interleaved, and the smallest of several measurements counts."""

import ctypes
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

Timings = dict[str, float]


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def interleaved(*works: Callable[[], Timings], budget: float, rounds: tuple[int, int] = (3, 30)) -> Timings:
    """The smallest value of each timing. The works run in turns, so that a busy moment affects all of them.

    rounds: smallest and largest number of rounds
    budget: seconds after which no new round begins, once there were at least `rounds[0]`
    """
    best: Timings = {}
    began = time.perf_counter()
    for turn in range(1, rounds[1] + 1):
        for work in works:
            for name, figure in work().items():
                best[name] = min(best.get(name, math.inf), figure)
        if turn >= rounds[0] and time.perf_counter() - began > budget:
            break
    return best


def return_freed_memory() -> None:
    """Return freed memory to the system (Linux): otherwise the next run would reuse it, and seem to need less."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def reset_peak() -> int:
    """Reset the peak memory of this process and return its current memory in bytes (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    """Peak memory of this process since the last reset, in bytes (Linux)."""
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def available_bytes() -> int:
    """Memory that is available without swapping, in bytes (Linux)."""
    return memory("MemAvailable")


def total_bytes() -> int:
    return memory("MemTotal")


def memory(what: str) -> int:
    return 1024 * int(Path("/proc/meminfo").read_text().split(f"{what}:")[1].split()[0])
