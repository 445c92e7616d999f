"""The heatmap: one head of a capture, or the sum of a layer's, any window of it."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response

from ...errors import InvalidInput
from ...export.formats import Answer
from ...export.negotiation import check_cells
from ...records import Pool, Quantity, Shown
from ..deps import (
    ARRAYS,
    SPAN,
    TheRunner,
    TheSettings,
    Wanted,
    only_json,
    respond,
    span,
    tag,
    unchanged,
    while_connected,
)
from ..requests import Index, StrictRoute

if TYPE_CHECKING:
    from ...capture.capture import Capture
    from ...capture.windows import Window

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


WORDS = "of words instead of tokens: to a word the sum over its tokens, from it the mean"
NORM = "norm: how long is what a query gets from a key, ||A_ij f(x_j)||; the model is run once more for it"


class View:
    """What of a map is looked at."""

    def __init__(
        self,
        rows: Annotated[str | None, Query(description="query positions a:b, default all", **SPAN)] = None,
        columns: Annotated[str | None, Query(description="key positions a:b, default all", **SPAN)] = None,
        cells: Annotated[Index | None, Query(ge=1, description="at most cells x cells, pooled")] = None,
        pool: Pool = "max",
    ) -> None:
        self.rows, self.columns = span("rows", rows), span("columns", columns)
        self.cells, self.pool = cells, pool

    def window(self, size: int) -> "Window":
        """Of a map of so many tokens, or words. Raises InvalidWindow."""
        from ...capture.windows import window

        return window(size, self.rows, self.columns, self.cells)


class HeadView(View):
    """What of a head."""

    def __init__(
        self,
        view: Annotated[View, Depends()],
        quantity: Annotated[Shown, Query(description=NORM)] = "pattern",
        words: Annotated[bool, Query(description=WORDS)] = False,
    ) -> None:
        self.rows, self.columns, self.cells, self.pool = view.rows, view.columns, view.cells, view.pool
        self.quantity, self.words = quantity, words
        if words and quantity != "pattern":
            raise InvalidInput(f"words=true&quantity={quantity}: only weights add up over the tokens of a word")


class Looking:
    """Who looks at which capture."""

    def __init__(
        self, capture_id: str, request: Request, runner: TheRunner, settings: TheSettings, wanted: Wanted
    ) -> None:
        self.capture_id = capture_id
        self.request, self.runner, self.settings, self.wanted = request, runner, settings, wanted

    @cached_property
    def capture(self) -> "Capture":
        """Once all that was asked is understood. Raises CaptureGone."""
        return self.runner.captures.get(self.capture_id)

    async def answered(
        self, part: "Window", view: View, facts: dict[str, Any], values: Callable[[], Awaitable[np.ndarray]]
    ) -> Response:
        """The values of a window, worked out unless the client holds them already. Raises TooLarge."""
        headers = tag(self.request, self.capture.id, self.wanted)
        if same := unchanged(self.request, headers):
            return same
        most = self.settings.max_cells, self.settings.max_json_cells
        check_cells(part.cells, self.wanted, *most, "ask for fewer cells")
        answer = Answer({**facts, **facts_of(part, view)}, {"values": await values()}, "values")
        response = await respond(self.runner, answer, self.wanted)
        response.headers.update(headers)
        return response


TheLook = Annotated[Looking, Depends()]


@router.get("/{capture_id}/heads/{layer}/{head}", summary="One head", responses=ARRAYS)
async def head(layer: Index, head: Index, view: Annotated[HeadView, Depends()], by: TheLook) -> Response:
    """One head; value [r][c] covers queries a + r * query_step and on, keys likewise."""
    capture = by.capture
    capture.card.check_head(layer, head)
    facts = {"layer": layer, "head": head, "quantity": view.quantity}
    if view.words:
        return await in_words(by, view, facts)
    part = view.window(len(capture.tokens))
    if view.quantity == "norm":
        return await by.answered(part, view, facts, lambda: of_norms(by, layer, head, part, view.pool))
    quantity: Quantity = view.quantity
    work = partial(by.runner.read, of_head, capture, layer, head, part, view.pool, quantity)
    return await by.answered(part, view, facts, work)


async def in_words(by: Looking, view: View, facts: dict[str, Any]) -> Response:
    """Attention to a word is the sum over its tokens, from it the mean (Clark et al. 2019)."""
    from ...analysis.words import check_size, window_of_words, words_of

    check_size(by.capture)
    part = view.window(len(await by.runner.read(words_of, by.capture)))
    work = partial(by.runner.read, window_of_words, by.capture, facts["layer"], facts["head"], part, view.pool)
    return await by.answered(part, view, {**facts, "words": True}, work)


@router.get("/{capture_id}/norms/{layer}", summary="What all heads of a layer write", responses=ARRAYS)
async def norms(layer: Index, view: Annotated[View, Depends()], by: TheLook) -> Response:
    """How long is the sum of what all heads of the layer bring a query from a key (Kobayashi et al. 2020); axes and
    windows as those of one head."""
    by.capture.card.check_head(layer, 0)
    part = view.window(len(by.capture.tokens))
    facts = {"layer": layer, "quantity": "norm"}
    return await by.answered(part, view, facts, lambda: of_norms(by, layer, None, part, view.pool))


@router.get("/{capture_id}/words", summary="The words of a text", dependencies=[Depends(only_json)])
async def words(capture_id: str, runner: TheRunner) -> dict[str, Any]:
    """The words that the tokens make up, in order: the axes of a head with `words=true`. Word w is the tokens from
    `first` up to but not including `stop`."""
    from ...analysis.words import words_of

    found = await runner.read(words_of, runner.captures.get(capture_id))
    return {"words": [asdict(word) for word in found]}


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


def of_head(capture: "Capture", layer: int, head: int, part: "Window", pool: Pool, quantity: Quantity) -> np.ndarray:
    from ...capture.windows import head_window

    return head_window(capture, layer, head, part, pool, quantity)


async def of_norms(by: Looking, layer: int, head: int | None, part: "Window", pool: Pool) -> np.ndarray:
    """Of one head, or of all of the layer."""
    from ...analysis.norms import window_of_norms

    grams = await while_connected(by.request, by.runner.grams(by.capture))
    return await by.runner.read(window_of_norms, by.capture, grams, layer, head, part, pool)
