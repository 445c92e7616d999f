"""Time and memory on a machine that others use too: taking turns, the least of several."""

import ctypes
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

Figures = dict[str, float]


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turns(*works: Callable[[], Figures], budget: float, rounds: tuple[int, int] = (3, 30)) -> Figures:
    """Each figure at its least. The works take turns, so that a busy moment hits all alike.

    budget: seconds after which no new round begins, once there were at least `rounds[0]`
    """
    best: Figures = {}
    began = time.perf_counter()
    for turn in range(1, rounds[1] + 1):
        for work in works:
            for name, figure in work().items():
                best[name] = min(best.get(name, math.inf), figure)
        if turn >= rounds[0] and time.perf_counter() - began > budget:
            break
    return best


def give_back_memory() -> None:
    """What the C library keeps for later would hide what the next run needs (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def reset_peak() -> int:
    """Forget what this process has held at most; answers the bytes that it holds now (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    """The most that this process has held since the last reset (Linux)."""
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def available_bytes() -> int:
    """What could be had without pushing anything out (Linux)."""
    return memory("MemAvailable")


def total_bytes() -> int:
    return memory("MemTotal")


def memory(what: str) -> int:
    return 1024 * int(Path("/proc/meminfo").read_text().split(f"{what}:")[1].split()[0])
