"""The function of each row score in the table: [h i j] -> [h i]."""

from collections.abc import Callable

from torch import Tensor

from .block import Block
from .confidence import confidence
from .distance import distance, signed_distance
from .entropy import entropy, normalised_entropy
from .neighbours import next_weight, previous, self_weight
from .rare import rare
from .repeats import duplicate, induction
from .sinks import delimiter, first, punctuation

FUNCTIONS: dict[str, Callable[[Block], Tensor]] = {
    "entropy": entropy,
    "normalised_entropy": normalised_entropy,
    "distance": distance,
    "signed_distance": signed_distance,
    "previous": previous,
    "next": next_weight,
    "self": self_weight,
    "first": first,
    "delimiter": delimiter,
    "punctuation": punctuation,
    "confidence": confidence,
    "duplicate": duplicate,
    "induction": induction,
    "rare": rare,
}
