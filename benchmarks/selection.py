"""The best of many heads or offsets, evaluated on all data and on held-out data.

The best of 72 heads on a few hundred instances is partly the luckiest. So it is also chosen on one half of the data and
evaluated on the other half.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Best:
    """which: the choice that is right most often. held_out: accuracy on one half of the best choice on the other."""

    which: tuple[int, ...]
    accuracy: float
    held_out: float

    @property
    def both(self) -> str:
        return f"{percent(self.accuracy)} ({percent(self.held_out)})"


def best(right: np.ndarray, odd: np.ndarray) -> Best:
    """right [n ...]: True where a choice is right. odd [n]: True in the half to choose on. No half may be empty."""
    flat = right.reshape(len(right), -1)
    overall, halved = flat.mean(0).argmax(), flat[odd].mean(0).argmax()
    which = tuple(map(int, np.unravel_index(overall, right.shape[1:])))
    return Best(which, float(flat[:, overall].mean()), float(flat[~odd, halved].mean()))


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
