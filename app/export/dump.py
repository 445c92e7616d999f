"""Dumps: all maps of the selected layers and heads of a prompt, for the API and for the command."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..capture.cost import sides
from ..engine.runner import Runner
from ..errors import NotAcceptable
from ..records import (
    DumpFormat,
    Format,
    ModelCard,
    Prompt,
    Quantity,
    StackCard,
    StackName,
    Token,
    TokenizedPrompt,
)
from .formats import Answer, Array
from .negotiation import check_cells

if TYPE_CHECKING:
    from ..capture.capture import Capture

WAY_OUT = "name fewer layers or heads, or stream the dump of a capture"


@dataclass(frozen=True)
class DumpRequest:
    """What to dump. `layers`, `heads` and `stack` are None for all of them; `verify` adds the certificate."""

    prompt: Prompt
    layers: list[int] | None = None
    heads: list[int] | None = None
    quantity: Quantity = "pattern"
    verify: bool = False
    stack: str | None = None


@dataclass(frozen=True)
class Selection:
    """Layers and heads of a stack that exist in the model, and how many weights their maps have."""

    stack: StackName
    layers: list[int]
    heads: list[int]
    cells: int

    def named(self, what: str) -> str:
        """The name of an array of this stack. A model with one stack does not name it."""
        return what if self.stack == "self" else f"{what}_{self.stack}"


async def dump(runner: Runner, request: DumpRequest, format_: Format, max_cells: int | None) -> Answer:
    """The prompt is tokenized once. Raises what `selected` raises, and what is wrong with the prompt, before it runs.

    max_cells: of the answer; None is no limit
    """
    prepared = await runner.prepare(request.prompt)
    card, limits = prepared.model.card, (max_cells, runner.settings.max_json_cells)
    select(card, (0, 0), request.layers, request.heads, request.stack)  # what can never be answered comes first
    runner.check_room(prepared, request.verify)
    tokenized = await runner.tokenize(prepared)
    selections = selected(request, card, tokenized, format_, *limits)
    if request.verify:
        runner.passes.check_certificate(card, len(tokenized.tokens), tokenized.target_length)
    capture, _ = await runner.capture(prepared, tokenized)
    certificate = asdict(await runner.passes.certify(prepared.model, capture)) if request.verify else None
    return answer_of(capture, selections, request.quantity, certificate)


def selected(
    request: DumpRequest,
    card: ModelCard,
    tokenized: TokenizedPrompt,
    format_: DumpFormat | Format,
    max_cells: int | None,
    max_json_cells: int,
) -> list[Selection]:
    """What of each stack is asked for. Raises UnknownStack, UnknownLayer, UnknownHead, NotAcceptable, TooLarge."""
    sizes = len(tokenized.tokens), tokenized.target_length
    selections = select(card, sizes, request.layers, request.heads, request.stack)
    check_one(selections, format_)
    if format_ != "csv":
        check_cells(cells_of(selections), format_, max_cells, max_json_cells, WAY_OUT)
    return selections


def select(
    card: ModelCard,
    sizes: tuple[int, int],
    layers: list[int] | None,
    heads: list[int] | None,
    stack: str | None = None,
) -> list[Selection]:
    """What is selected of each stack, or of one. None selects all layers with attention, and all heads that any of
    them has.

    sizes: the tokens of the text, and of the target
    Raises UnknownStack, UnknownLayer, NoAttention; UnknownHead for a head that none of the layers has.
    """
    stacks = card.stacks if stack is None else [card.stack(stack)]
    return [select_of(card, each, sizes, layers, heads) for each in stacks]


def select_of(
    card: ModelCard, stack: StackCard, sizes: tuple[int, int], layers: list[int] | None, heads: list[int] | None
) -> Selection:
    layers = stack.with_attention if layers is None else layers
    for layer in layers:
        stack.check_head(layer, 0, card.id)
    widest = max((stack.layers[layer] for layer in layers), key=lambda layer: layer.heads)
    heads = list(range(widest.heads)) if heads is None else heads
    for head in heads:
        stack.check_head(widest.index, head, card.id)
    return Selection(stack.name, layers, heads, len(layers) * len(heads) * prod(sides(stack, *sizes)))


def cells_of(selections: list[Selection]) -> int:
    return sum(each.cells for each in selections)


def check_one(selections: list[Selection], format_: str) -> None:
    """Raises NotAcceptable where a format has one array, and the dump several."""
    if format_ in ("npy", "csv") and len(selections) > 1:
        names = ", ".join(each.stack for each in selections)
        raise NotAcceptable(
            f"{format_} holds the maps of one stack: name one of {names} as stack, or choose json, npz or safetensors"
        )


def answer_of(
    capture: "Capture", selections: list[Selection], quantity: Quantity, certificate: dict[str, Any] | None = None
) -> Answer:
    """The maps are computed while the answer is written, and are never in memory together."""
    from ..capture.windows import Maps

    facts: dict[str, Any] = {
        "model": capture.card.to_dict(),
        "tokens": capture.tokens,
        "axes": ["layer", "head", "query", "key"],
        "quantity": quantity,
        "capture": capture.id,
        "truncate": capture.truncate,
        "tokens_dropped": capture.dropped,
        "certificate": certificate,
    }
    arrays: dict[str, Array] = {}
    for each in selections:
        arrays[each.named("attention")] = Maps(capture.of_stack(each.stack), each.layers, each.heads, quantity)
    arrays["token_ids"] = ids_of(capture.tokens)
    if capture.target is not None:
        facts |= {"target": capture.target.text, "target_tokens": capture.target.tokens}
        arrays["target_token_ids"] = ids_of(capture.target.tokens)
    for each in selections:
        arrays |= {each.named("layers"): np.array(each.layers), each.named("heads"): np.array(each.heads)}
    return Answer(facts, arrays, selections[0].named("attention"))


def ids_of(tokens: Sequence[Token]) -> np.ndarray:
    return np.array([token.id for token in tokens])
