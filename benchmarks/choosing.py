"""The best of many heads: on the data it was chosen on, and on data it was not.

The best of 72 heads on some hundred instances is best by luck as well. So each is also chosen on one half of the data
and judged on the other, as is the best of many offsets.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Best:
    """which: the choice that is right most often, and its accuracy; held_out: of the best in one half, in the other."""

    which: tuple[int, ...]
    accuracy: float
    held_out: float

    @property
    def both(self) -> str:
        return f"{percent(self.accuracy)} ({percent(self.held_out)})"


def best(right: np.ndarray, odd: np.ndarray) -> Best:
    """right [n ...], True where a choice is right; odd [n], True in the half to choose on; neither half is empty."""
    flat = right.reshape(len(right), -1)
    overall, halved = flat.mean(0).argmax(), flat[odd].mean(0).argmax()
    which = tuple(map(int, np.unravel_index(overall, right.shape[1:])))
    return Best(which, float(flat[:, overall].mean()), float(flat[~odd, halved].mean()))


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
