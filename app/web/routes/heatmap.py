"""The heatmap: any window of one head of a capture, in tokens or words, or of the norms of a layer."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Response

from ...errors import InvalidInput, NoBias
from ...export.formats import Answer, Array
from ...records import Pool, Shown, WindowQuantity
from ..context import CaptureContext, CaptureDep
from ..deps import RunnerDep, on_loop, only_json
from ..requests import (
    PATTERN_OR_SCORES,
    SPAN,
    CaptureId,
    HeadIndex,
    Index,
    LayerIndex,
    PoolQuery,
    StrictRoute,
    parse_span,
)
from ..responses import ARRAYS, STREAM_BYTES, while_connected
from ..text_answers import respond_text

if TYPE_CHECKING:
    from ...capture.capture import Capture
    from ...capture.pooling import Window

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


# A window of more cells is computed while the client reads it.
WHOLE_CELLS = 2**13
WORDS = "words instead of tokens: attention to a word is the sum over its tokens, attention from a word the mean"
SHOWN = (
    f"{PATTERN_OR_SCORES}; bias: what the model adds to the raw scores, such as T5 for each distance; norm: what the "
    "page calls the effect, the length of the weighted value, ||A_ij f(x_j)||; the model is run once more for it"
)


class View:
    """The window of a matrix, and its resolution."""

    def __init__(
        self,
        rows: Annotated[str | None, Query(description="queries a:b, without b; by default, all", **SPAN)] = None,
        columns: Annotated[str | None, Query(description="keys a:b, without b; by default, all", **SPAN)] = None,
        cells: Annotated[
            Index | None,
            Query(ge=1, description="pool the window to at most cells x cells; by default, it is not pooled"),
        ] = None,
        pool: PoolQuery = "max",
    ) -> None:
        self.rows, self.columns = parse_span("rows", rows), parse_span("columns", columns)
        self.cells, self.pool = cells, pool

    def window(self, queries: int, keys: int) -> "Window":
        """Of that many tokens or words. Raises InvalidWindow."""
        from ...capture.windows import window

        return window(queries, self.rows, self.columns, self.cells, keys)

    def of(self, capture: "Capture") -> "Window":
        """Of the tokens of the stack. Raises InvalidWindow."""
        return self.window(len(capture.queries), len(capture.keys))


ViewDep = Annotated[View, Depends(on_loop(View))]


class HeadView(View):
    """The window of a head, and what it shows."""

    def __init__(
        self,
        view: ViewDep,
        quantity: Annotated[Shown, Query(description=SHOWN)] = "pattern",
        words: Annotated[bool, Query(description=WORDS)] = False,
    ) -> None:
        self.rows, self.columns, self.cells, self.pool = view.rows, view.columns, view.cells, view.pool
        self.quantity, self.words = quantity, words
        if words and quantity != "pattern":
            raise InvalidInput(f"words=true&quantity={quantity}: only weights can be summed over the tokens of a word")


@router.get("/{capture_id}/heads/{layer}/{head}", summary="Get the pattern of a head", responses=ARRAYS)
async def head(
    layer: LayerIndex, head: HeadIndex, view: Annotated[HeadView, Depends(on_loop(HeadView))], context: CaptureDep
) -> Response:
    """The pattern of a head, or a window of it. The value [r][c] covers `query_step` queries from
    `rows[0] + r * query_step` on, and `key_step` keys from `columns[0] + c * key_step` on."""
    capture = context.capture
    capture.check_head(layer, head)
    facts = {"layer": layer, "head": head, "quantity": view.quantity}
    if view.words:
        return await respond_words(context, view, facts)
    part = view.of(capture)
    if view.quantity == "bias":
        check_bias(capture, layer)
    if view.quantity == "norm":
        return await respond_window(context, part, view, facts, lambda: norms_of(context, layer, head, part, view.pool))
    quantity: WindowQuantity = view.quantity

    async def values() -> Array:
        from ...capture.pooling import steps
        from ...capture.windows import WindowRows, head_window

        if part.cells > WHOLE_CELLS:
            context.runner.pools.readers.check_room()
            return WindowRows(capture, layer, head, part, view.pool, quantity)
        return await context.read(
            "window", steps(part, 1), head_window, capture, layer, head, part, view.pool, quantity
        )

    return await respond_window(context, part, view, facts, values, STREAM_BYTES)


def check_bias(capture: "Capture", layer: int) -> None:
    """Raises NoBias, before the answer begins."""
    if capture.of_layer(layer).terms.bias is None:
        raise NoBias(f"layer {layer} adds no bias to its scores: take quantity=scores")


async def respond_words(context: CaptureContext, view: View, facts: dict[str, Any]) -> Response:
    """Attention to a word is the sum over its tokens, attention from a word the mean (Clark et al. 2019)."""
    from ...analysis.words import check_size, window_of_words, words_of
    from ...capture.pooling import steps
    from ...capture.windows import whole

    capture = context.capture
    check_size(capture)
    stack, pools = capture.stack, context.runner.pools
    of_keys = await pools.read(words_of, capture, stack.keys)
    found = (await pools.read(words_of, capture, stack.queries) if stack.is_cross else of_keys, of_keys)
    part = view.window(*map(len, found))
    read = partial(context.read, "window", steps(whole(capture), 1))
    values = partial(read, window_of_words, capture, found, facts["layer"], facts["head"], part, view.pool)
    return await respond_window(context, part, view, {**facts, "words": True}, values)


@router.get("/{capture_id}/norms/{layer}", summary="Get the norms (effects) of a layer", responses=ARRAYS)
async def norms(layer: LayerIndex, view: ViewDep, context: CaptureDep) -> Response:
    """The norm of the sum of the weighted values of all heads of the layer (Kobayashi et al. 2020); axes and windows as
    for one head."""
    context.capture.check_head(layer, 0)
    part = view.of(context.capture)
    facts = {"layer": layer, "quantity": "norm"}
    return await respond_window(context, part, view, facts, lambda: norms_of(context, layer, None, part, view.pool))


@router.get(
    "/{capture_id}/words",
    summary="Get the words of a text",
    dependencies=[Depends(on_loop(only_json))],
    response_model=dict[str, Any],
)
async def words(capture_id: CaptureId, runner: RunnerDep) -> Response:
    """The words that the tokens form, in order: the axes of a head with `words=true`. A word is the tokens from `first`
    up to but not including `stop`. `target_words` are those of the target, if the model has a decoder."""
    capture = runner.captures.get(capture_id)
    from ...analysis.words import words_of

    answer = {"words": await runner.pools.read(words_of, capture)}
    target = capture.tokens_of("target")
    if target:
        answer["target_words"] = await runner.pools.read(words_of, capture, "target")
    return await respond_text(runner, ("words", capture_id), (*capture.tokens, *target), lambda: answer)


async def respond_window(
    context: CaptureContext,
    part: "Window",
    view: View,
    facts: dict[str, Any],
    values: Callable[[], Awaitable[Array]],
    at_most: int | None = None,
) -> Response:
    """The values of a window, computed unless the client has them already. Raises TooLarge, Busy."""

    async def compute() -> Answer:
        return Answer({**facts, **facts_of(part, view)}, {"values": await values()}, "values")

    return await context.respond_window(part.cells, compute, at_most)


def facts_of(part: "Window", view: View) -> dict[str, Any]:
    return {
        "pool": view.pool,
        "rows": [part.rows.start, part.rows.stop],
        "columns": [part.columns.start, part.columns.stop],
        "query_step": part.query_step,
        "key_step": part.key_step,
        "axes": ["query", "key"],
        "exact": True,
    }


async def norms_of(context: CaptureContext, layer: int, head: int | None, part: "Window", pool: Pool) -> np.ndarray:
    """Of one head, or of the sum of the layer's heads if `head` is None."""
    from ...analysis.norms import window_of_norms
    from ...capture.pooling import steps

    capture = context.capture
    grams = await while_connected(context.request, context.runner.passes.grams(capture))
    blocks = steps(part, capture.heads if head is None else 1)
    return await context.read("norms", blocks, window_of_norms, capture, grams, layer, head, part, pool)
