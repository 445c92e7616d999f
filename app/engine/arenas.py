"""The memory allocator of Linux (glibc) in a process with many threads."""

import ctypes
import os
import sys

M_ARENA_MAX = -8  # from malloc.h
ARENAS = 2


def limit_arenas() -> None:
    """Let all threads share two heaps, unless MALLOC_ARENA_MAX says otherwise. Call it before threads are started.

    By default, up to eight threads per core have a heap of their own. Each keeps what it once needed, so that a server
    under load grows for hours: to twice the memory that it uses, in the soak of the benchmarks.
    """
    if sys.platform != "linux" or "MALLOC_ARENA_MAX" in os.environ:
        return
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):  # musl has none
        allocator.mallopt(M_ARENA_MAX, ARENAS)
