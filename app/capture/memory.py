"""One block of memory for all tensors of a capture.

With one heap allocation per tensor, page faults take 5 % of the forward pass at 1,024 tokens. A single anonymous
mapping can use huge pages, and is returned to the system together with its capture. A process may have some 65,000
mappings, so small captures are ordinary allocations.
"""

import math
import mmap
from functools import cache
from queue import SimpleQueue
from threading import Thread

import torch
from torch import Tensor

# Some way above this size, the allocator would take a mapping as well: the threshold of glibc moves up to 32 MB.
SMALL_BYTES = 2**20
# Python's default is memory that processes share, for which Linux takes no huge pages: 12,400 page faults for 50 MB
# instead of 170. Windows has no such flags.
PRIVATE = (mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,) if hasattr(mmap, "MAP_PRIVATE") else ()


class MemoryBlock:
    """Memory for a number of values of one dtype; tensors are copied into it one after the other."""

    def __init__(self, values: int, dtype: torch.dtype, device: torch.device) -> None:
        mapped = device.type == "cpu" and values * dtype.itemsize > SMALL_BYTES
        self.values = in_mapping(values, dtype) if mapped else torch.empty(values, dtype=dtype, device=device)
        self.used = 0

    def keep(self, x: Tensor) -> Tensor:
        """[...] -> a contiguous copy of the same shape in this block."""
        size = math.prod(x.shape)
        kept = self.values[self.used : self.used + size].view(x.shape)
        self.used += size
        return kept.copy_(x)


def in_mapping(values: int, dtype: torch.dtype) -> Tensor:
    """[values], uninitialised, in an anonymous mapping with huge pages where the system supports them."""
    start_unmapping()
    mapping = Mapping(-1, values * dtype.itemsize, *PRIVATE)
    if hasattr(mmap, "MADV_HUGEPAGE"):  # Linux
        mapping.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(mapping, dtype=dtype)


class Mapping(mmap.mmap):
    """Anonymous memory that is given back in a thread of its own, once nothing refers to it.

    The system takes up to a second per gigabyte for it. mmap's own destructor would hold the GIL meanwhile, so that no
    other thread could run; `close` does not.
    """

    def __del__(self) -> None:
        unused.put(self)  # may be called within any other call, even in this module: `put` is safe there


unused: SimpleQueue[Mapping] = SimpleQueue()


@cache
def start_unmapping() -> None:
    """Start the thread, once."""
    Thread(target=unmap, name="unmapping", daemon=True).start()


def unmap() -> None:
    while True:
        unused.get().close()
