"""What the wire says of a run and of its capture."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..capture.cost import Cost
from ..engine.job import Making
from ..records import ModelCard, Token

if TYPE_CHECKING:
    from ..capture.capture import Capture


def of_tokens(making: Making) -> dict[str, Any]:
    """Before the first layer is done; `bytes` and `seconds` are what it will take, null where nobody knows."""
    cost = making.cost
    foreseen = {"bytes": cost and cost.bytes, "seconds": cost and cost.seconds}
    return {**of_text(making.card, making.tokens, making.dropped), **foreseen}


def of_cost(cost: Cost) -> dict[str, Any]:
    return {**asdict(cost), "fits": cost.fits, "most_tokens": cost.most_tokens}


def of_capture(capture: "Capture", seconds: int) -> dict[str, Any]:
    said = of_text(capture.card, capture.tokens, capture.dropped)
    return {"id": capture.id, **said, "bytes": capture.bytes, "truncate": capture.truncate, "expires_in": seconds}


def of_text(card: ModelCard, tokens: tuple[Token, ...], dropped: int) -> dict[str, Any]:
    return {
        "model": card.to_dict(),
        "tokens": [asdict(token) for token in tokens],
        "layers": card.layers,
        "heads": card.heads,
        "queries": len(tokens),
        "keys": len(tokens),
        "tokens_dropped": dropped,
    }
