"""Where all rooms meet."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from .engine.runner import Runner
from .errors import AppError
from .export.negotiation import MEDIA_TYPES
from .settings import Settings
from .web import problems
from .web.metrics import Metrics
from .web.middleware.checks import Door
from .web.routes import (
    attention,
    captures,
    dump,
    grid,
    health,
    heatmap,
    metrics,
    models,
    pages,
    probe,
    roles,
    rollout,
    scores,
    similarity,
)

# The page's own addresses come last, as they take in what no other has taken.
SERVICE, LOOKS = (health, metrics, models, probe), (attention, captures, grid, heatmap, dump)
ANALYSES = (scores, roles, similarity, rollout)
ROOMS = (*SERVICE, *LOOKS, *ANALYSES, pages)

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The application; its lifespan loads the default model while the page is already served.

    Raises ModelNotFound where there is no such default model.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for word in app.state.runner.shelf.catalogue.skipped_folders():
            log.warning("%s", word)
        tasks = [asyncio.create_task(work) for work in (warm_up(app.state.runner), app.state.runner.sweep())]
        yield
        for task in tasks:
            task.cancel()

    app = FastAPI(
        title="Headscope",
        version=version("headscope"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.runner = Runner(settings)
    app.state.metrics = Metrics(app.state.runner)
    app.state.rates = MovingWindowRateLimiter(MemoryStorage())
    problems.install(app)
    # Level 9, the default, takes 1.6 s where level 1 takes 25 ms.
    # Dumps are dense float32: two seconds of work would shrink them by a tenth.
    dense = (MEDIA_TYPES["npz"], MEDIA_TYPES["safetensors"])
    app.add_middleware(GZipMiddleware, compresslevel=1, exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, *dense))
    # FastAPI(max_body_size=) would stand outside the door, and answer in a shape of its own.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.max_body_bytes)
    app.add_middleware(Door, settings=settings, tell=app.state.metrics.answered)
    for room in ROOMS:
        app.include_router(room.router)
    app.mount("/static", pages.static, "static")
    return app


async def warm_up(runner: Runner) -> None:
    """Load the default model; if it is refused, the log and /api/v1/models say why."""
    try:
        await runner.model(None)
    except AppError as error:
        log.error("%s is not loaded: %s", runner.settings.model, error.detail)  # noqa: TRY400 - no bug, no traceback
