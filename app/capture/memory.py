"""One block of memory for all that a capture keeps.

Kept tensor by tensor on the heap, the pages of a capture are faulted in one by one, which at 1,024 tokens costs a
twentieth of the whole forward; one anonymous mapping may use huge pages, and goes back to the system with its capture.
"""

import math
import mmap

import torch
from torch import Tensor


class Arena:
    """Room for a number of values of one type; what is kept lies side by side, in order."""

    def __init__(self, values: int, dtype: torch.dtype, device: torch.device) -> None:
        self.room = on_cpu(values, dtype) if device.type == "cpu" else torch.empty(values, dtype=dtype, device=device)
        self.used = 0

    def keep(self, x: Tensor) -> Tensor:
        """[...] -> the same values and shape, contiguous, in this block's memory."""
        size = math.prod(x.shape)
        kept = self.room[self.used : self.used + size].view(x.shape)
        self.used += size
        return kept.copy_(x)


def on_cpu(values: int, dtype: torch.dtype) -> Tensor:
    """[values], not initialised, in an anonymous mapping with huge pages where the system has them."""
    mapping = mmap.mmap(-1, max(1, values) * dtype.itemsize)
    if hasattr(mmap, "MADV_HUGEPAGE"):  # Linux
        mapping.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(mapping, dtype=dtype)
