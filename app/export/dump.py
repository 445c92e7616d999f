"""One request, one dump: a text in, every map of the chosen layers and heads out; for the wire and for the command."""

from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.runner import Runner
from ..records import Format, ModelCard, Quantity
from .formats import Answer, Array
from .negotiation import check_cells

if TYPE_CHECKING:
    from ..capture.capture import Capture

WAY_OUT = "name fewer layers or heads, or stream the dump of a capture"


@dataclass(frozen=True)
class Ask:
    """What to dump, in the words of the wire; None is the default model, or all layers, or all heads."""

    text: str
    text_pair: str | None = None
    model: str | None = None
    layers: list[int] | None = None
    heads: list[int] | None = None
    quantity: Quantity = "pattern"
    verify: bool = False
    truncate: bool = False


@dataclass(frozen=True)
class Choice:
    """The layers and heads that an Ask names, checked, and how many weights they hold."""

    layers: list[int]
    heads: list[int]
    cells: int


async def dump(runner: Runner, ask: Ask, wanted: Format, most: int | None) -> Answer:
    """Raises what the input deserves, TooLarge (where it is more than `most` weights) before anything is run."""
    choice = await choose(runner, ask)
    check_cells(choice.cells, wanted, most, runner.settings.max_json_cells, WAY_OUT)
    capture, _ = await runner.capture(ask.text, ask.text_pair, ask.model, ask.truncate)
    certificate = asdict(await runner.certify(capture)) if ask.verify else None
    return answer_of(capture, choice, ask.quantity, certificate)


async def captured(runner: Runner, ask: Ask) -> "tuple[Capture, Choice]":
    """For who writes the maps one by one: no limit, as they are never all there at once."""
    choice = await choose(runner, ask)
    capture, _ = await runner.capture(ask.text, ask.text_pair, ask.model, ask.truncate)
    return capture, choice


async def choose(runner: Runner, ask: Ask) -> Choice:
    """Raises UnknownLayer, UnknownHead, and what the text deserves."""
    card, tokens = await runner.measure(ask.text, ask.text_pair, ask.model, ask.truncate)
    return choice_of(card, tokens, ask.layers, ask.heads)


def choice_of(card: ModelCard, tokens: int, layers: list[int] | None, heads: list[int] | None) -> Choice:
    """None is all of them. Raises UnknownLayer, UnknownHead."""
    layers = list(range(card.layers or 0)) if layers is None else layers
    heads = list(range(card.heads or 0)) if heads is None else heads
    for layer, head in zip_longest(layers, heads, fillvalue=0):
        card.check_head(layer, head)
    return Choice(layers, heads, len(layers) * len(heads) * tokens**2)


def answer_of(
    capture: "Capture", choice: Choice, quantity: Quantity, certificate: dict[str, Any] | None = None
) -> Answer:
    """Its maps are worked out when it is written, and never all there at once."""
    from ..capture.windows import Maps

    facts = {
        "model": capture.card.to_dict(),
        "tokens": [asdict(token) for token in capture.tokens],
        "axes": ["layer", "head", "query", "key"],
        "quantity": quantity,
        "capture": capture.id,
        "truncate": capture.truncate,
        "tokens_dropped": capture.dropped,
        "certificate": certificate,
    }
    arrays: dict[str, Array] = {
        "attention": Maps(capture, choice.layers, choice.heads, quantity),
        "token_ids": np.array([token.id for token in capture.tokens]),
        "layers": np.array(choice.layers),
        "heads": np.array(choice.heads),
    }
    return Answer(facts, arrays, "attention")
