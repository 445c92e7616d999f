"""One request, one dump: a text in, every map of the chosen layers and heads out; for the wire and for the command."""

from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from .encoding import Answer, check_cells
from .records import Format, Quantity
from .runner import Runner

if TYPE_CHECKING:
    from .capture import Capture


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


async def dump(runner: Runner, ask: Ask, wanted: Format) -> Answer:
    """Raises what the input deserves, TooLarge before anything is run."""
    choice = await choose(runner, ask)
    check_cells(choice.cells, wanted, runner.settings.max_cells, runner.settings.max_json_cells)
    capture, _ = await runner.capture(ask.text, ask.text_pair, ask.model, ask.truncate)
    certificate = asdict(await runner.certify(capture)) if ask.verify else None
    return await runner.read(answer_of, capture, choice, ask.quantity, certificate)


async def captured(runner: Runner, ask: Ask) -> "tuple[Capture, Choice]":
    """For who writes the maps one by one: no limit, as they are never all there at once."""
    choice = await choose(runner, ask)
    capture, _ = await runner.capture(ask.text, ask.text_pair, ask.model, ask.truncate)
    return capture, choice


async def choose(runner: Runner, ask: Ask) -> Choice:
    """Raises UnknownLayer, UnknownHead, and what the text deserves."""
    card, tokens = await runner.measure(ask.text, ask.text_pair, ask.model, ask.truncate)
    layers = list(range(card.layers or 0)) if ask.layers is None else ask.layers
    heads = list(range(card.heads or 0)) if ask.heads is None else ask.heads
    for layer, head in zip_longest(layers, heads, fillvalue=0):
        card.check_head(layer, head)
    return Choice(layers, heads, len(layers) * len(heads) * tokens**2)


def answer_of(capture: "Capture", choice: Choice, quantity: Quantity, certificate: dict[str, Any] | None) -> Answer:
    from .tiles import whole

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
    arrays = {
        "attention": whole(capture, choice.layers, choice.heads, quantity),
        "token_ids": np.array([token.id for token in capture.tokens]),
        "layers": np.array(choice.layers),
        "heads": np.array(choice.heads),
    }
    return Answer(facts, arrays, "attention")
