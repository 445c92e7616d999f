"""The heatmap: one head of a capture, or the sum of a layer's, any window of it."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Request, Response

from ..encoding import check_cells
from ..errors import InvalidInput
from ..pieces import Answer
from ..records import Format, Pool, Quantity, Shown
from ..runner import Runner
from ..settings import Settings
from .deps import (
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
from .strict import Index, StrictRoute

if TYPE_CHECKING:
    from ..capture import Capture
    from ..studies.norms import Grams
    from ..tiles import Window

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
        from ..tiles import window

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


@router.get("/{capture_id}/heads/{layer}/{head}", summary="One head", responses=ARRAYS)
async def head(
    capture_id: str,
    layer: Index,
    head: Index,
    view: Annotated[HeadView, Depends()],
    request: Request,
    runner: TheRunner,
    settings: TheSettings,
    wanted: Wanted,
) -> Response:
    """One head; value [r][c] covers queries a + r * query_step and on, keys likewise."""
    capture = runner.captures.get(capture_id)
    capture.card.check_head(layer, head)
    if view.words:
        return await in_words(Looking(request, runner, settings, wanted), capture, view, layer, head)
    return await windowed(Looking(request, runner, settings, wanted), capture, view, layer, head, view.quantity)


@router.get("/{capture_id}/norms/{layer}", summary="What all heads of a layer write", responses=ARRAYS)
async def norms(
    capture_id: str,
    layer: Index,
    view: Annotated[View, Depends()],
    request: Request,
    runner: TheRunner,
    settings: TheSettings,
    wanted: Wanted,
) -> Response:
    """How long is the sum of what all heads of the layer bring a query from a key (Kobayashi et al. 2020); axes and
    windows as those of one head."""
    capture = runner.captures.get(capture_id)
    capture.card.check_head(layer, 0)
    return await windowed(Looking(request, runner, settings, wanted), capture, view, layer, None, "norm")


@router.get("/{capture_id}/words", summary="The words of a text", dependencies=[Depends(only_json)])
async def words(capture_id: str, runner: TheRunner) -> dict[str, Any]:
    """The words that the tokens make up, in order: the axes of a head with `words=true`. Word w is the tokens from
    `first` up to but not including `stop`."""
    from ..studies.words import words_of

    return {"words": [asdict(word) for word in words_of(runner.captures.get(capture_id))]}


@dataclass(frozen=True)
class Looking:
    """Who looks."""

    request: Request
    runner: Runner
    settings: Settings
    wanted: Format


async def windowed(
    by: Looking, capture: "Capture", view: View, layer: int, head: int | None, quantity: Shown
) -> Response:
    """The window of one head, or of all heads of the layer."""
    part = view.window(len(capture.tokens))
    headers = tag(by.request, capture.id, by.wanted)
    if same := unchanged(by.request, headers):
        return same
    check_cells(part.cells, by.wanted, by.settings.max_cells, by.settings.max_json_cells, "ask for fewer cells")
    if quantity == "norm":
        grams = await while_connected(by.request, by.runner.grams(capture))
        values = await by.runner.read(of_norms, capture, grams, layer, head, part, view.pool)
    else:
        assert head is not None
        values = await by.runner.read(of_head, capture, layer, head, part, view.pool, quantity)
    facts = {"layer": layer, "head": head, "quantity": quantity, **facts_of(part, view)}
    if head is None:
        del facts["head"]
    response = await respond(by.runner, Answer(facts, {"values": values}, "values"), by.wanted)
    response.headers.update(headers)
    return response


async def in_words(by: Looking, capture: "Capture", view: View, layer: int, head: int) -> Response:
    """Attention to a word is the sum over its tokens, from it the mean (Clark et al. 2019)."""
    from ..studies.words import check_size, window_of_words, words_of

    check_size(capture)
    part = view.window(len(words_of(capture)))
    headers = tag(by.request, capture.id, by.wanted)
    if same := unchanged(by.request, headers):
        return same
    check_cells(part.cells, by.wanted, by.settings.max_cells, by.settings.max_json_cells, "ask for fewer cells")
    values = await by.runner.read(window_of_words, capture, layer, head, part, view.pool)
    facts = {"layer": layer, "head": head, "quantity": "pattern", "words": True, **facts_of(part, view)}
    response = await respond(by.runner, Answer(facts, {"values": values}, "values"), by.wanted)
    response.headers.update(headers)
    return response


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
    from ..tiles import head_tile

    return head_tile(capture, layer, head, part, pool, quantity)


def of_norms(
    capture: "Capture", grams: "Grams", layer: int, head: int | None, part: "Window", pool: Pool
) -> np.ndarray:
    from ..studies.norms import window_of_norms

    return window_of_norms(capture, grams, layer, head, part, pool)
