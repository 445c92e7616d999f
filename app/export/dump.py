"""Dumps: all maps of the selected layers and heads of a prompt, for the API and for the command."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.runner import Runner
from ..records import Format, ModelCard, Prompt, Quantity
from .formats import Answer, Array
from .negotiation import check_cells

if TYPE_CHECKING:
    from ..capture.capture import Capture

WAY_OUT = "name fewer layers or heads, or stream the dump of a capture"


@dataclass(frozen=True)
class DumpRequest:
    """What to dump. `layers` and `heads` are None for all of them; `verify` adds the certificate."""

    prompt: Prompt
    layers: list[int] | None = None
    heads: list[int] | None = None
    quantity: Quantity = "pattern"
    verify: bool = False


@dataclass(frozen=True)
class Selection:
    """Layers and heads that exist in the model, and how many weights their maps have."""

    layers: list[int]
    heads: list[int]
    cells: int


async def dump(runner: Runner, request: DumpRequest, format_: Format, max_cells: int | None) -> Answer:
    """Raises, before the model runs, TooLarge (None is no limit) and what is wrong with the prompt."""
    capture, selection = await capture_and_select(runner, request, format_, max_cells)
    certificate = asdict(await runner.certify(capture)) if request.verify else None
    return answer_of(capture, selection, request.quantity, certificate)


async def capture_and_select(
    runner: Runner, request: DumpRequest, format_: Format | None = None, max_cells: int | None = None
) -> "tuple[Capture, Selection]":
    """The prompt is tokenized once. `format_` is None for a dump that is written map by map and needs no limit.

    Raises UnknownLayer, UnknownHead, TooLarge, and what is wrong with the prompt.
    """
    prepared = await runner.prepare(request.prompt)
    runner.check_room(prepared, request.verify)
    tokenized = await runner.tokenize(prepared)
    selection = select(prepared.model.card, len(tokenized.tokens), request.layers, request.heads)
    if request.verify:
        runner.check_certificate(prepared.model.card, len(tokenized.tokens))
    if format_ is not None:
        check_cells(selection.cells, format_, max_cells, runner.settings.max_json_cells, WAY_OUT)
    capture, _ = await runner.capture(prepared, tokenized)
    return capture, selection


def select(card: ModelCard, tokens: int, layers: list[int] | None, heads: list[int] | None) -> Selection:
    """None selects all layers with attention, and all heads that any of them has.

    Raises UnknownLayer, NoAttention; UnknownHead for a head that none of the layers has.
    """
    stack = card.stacks[0]
    layers = stack.with_attention if layers is None else layers
    for layer in layers:
        card.check_head(layer, 0)
    widest = max((stack.layers[layer] for layer in layers), key=lambda layer: layer.heads)
    heads = list(range(widest.heads)) if heads is None else heads
    for head in heads:
        card.check_head(widest.index, head)
    return Selection(layers, heads, len(layers) * len(heads) * tokens**2)


def answer_of(
    capture: "Capture", selection: Selection, quantity: Quantity, certificate: dict[str, Any] | None = None
) -> Answer:
    """The maps are computed while the answer is written, and are never in memory together."""
    from ..capture.windows import Maps

    facts = {
        "model": capture.card.to_dict(),
        "tokens": capture.tokens,
        "axes": ["layer", "head", "query", "key"],
        "quantity": quantity,
        "capture": capture.id,
        "truncate": capture.truncate,
        "tokens_dropped": capture.dropped,
        "certificate": certificate,
    }
    arrays: dict[str, Array] = {
        "attention": Maps(capture, selection.layers, selection.heads, quantity),
        "token_ids": np.array([token.id for token in capture.tokens]),
        "layers": np.array(selection.layers),
        "heads": np.array(selection.heads),
    }
    return Answer(facts, arrays, "attention")
