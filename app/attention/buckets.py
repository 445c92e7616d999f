"""Relative positions in buckets (Raffel et al. 2020, section 2.1): one learned bias for each bucket and head."""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from ..errors import ShapeMismatch


@dataclass(frozen=True)
class Buckets:
    """Which bucket a distance is in: near distances have one each, farther ones share them by their logarithm.

    number:    of buckets
    farthest:  this distance and all larger ones are in the last bucket
    two_sided: True: half of the buckets are for keys after the query; False: all those are in the bucket of distance 0
    """

    number: int
    farthest: int
    two_sided: bool

    def __post_init__(self) -> None:
        if self.near < 1 or self.farthest <= self.near:
            raise ShapeMismatch(
                f"{self.number} buckets up to distance {self.farthest}: take 4 buckets or more, and a larger distance "
                "than half of the buckets"
            )

    @property
    def of_one_side(self) -> int:
        return self.number // 2 if self.two_sided else self.number

    @property
    def near(self) -> int:
        """Distances below this have a bucket each."""
        return self.of_one_side // 2

    def of(self, offsets: Tensor) -> Tensor:
        """The buckets of the offsets j - i of keys j from queries i."""
        distances = offsets.abs() if self.two_sided else (-offsets).clamp(min=0)
        # The order of these operations decides which of two buckets a distance at their border is in.
        share = torch.log(distances.clamp(min=1).float() / self.near) / log(self.farthest / self.near)
        far = self.near + (share * (self.of_one_side - self.near)).long()
        found = torch.where(distances < self.near, distances, far.clamp(max=self.of_one_side - 1))
        return found + (offsets > 0) * self.of_one_side if self.two_sided else found
