"""The memory allocator of Linux (glibc) in a process with many threads."""

import ctypes
import os
import sys
from collections.abc import Callable

M_ARENA_MAX = -8  # from malloc.h
ARENAS = 2


def limit_arenas() -> None:
    """Let all threads share two heaps, unless MALLOC_ARENA_MAX says otherwise. Call it before threads are started.

    By default, up to eight threads per core have a heap of their own. Each keeps what it once needed, so that a server
    under load grows for hours: to twice the memory that it uses, in the soak of the benchmarks.
    """
    if "MALLOC_ARENA_MAX" not in os.environ and (mallopt := function_of_glibc("mallopt")):
        mallopt(M_ARENA_MAX, ARENAS)


def return_freed_memory() -> None:
    """Give the system the freed memory between blocks that are in use, which the allocator keeps otherwise.

    It takes some ten milliseconds for some hundred megabytes, without Python's global lock.
    """
    if malloc_trim := function_of_glibc("malloc_trim"):
        malloc_trim(0)


def function_of_glibc(name: str) -> Callable[..., int] | None:
    """None with another C library, which has no such function."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
