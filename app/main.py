"""The application factory."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware

from .engine.runner import Runner
from .errors import AppError, DownloadCancelled, ShuttingDown
from .export.negotiation import MEDIA_TYPES
from .settings import Settings
from .web import problems, schema
from .web.connections import Connections
from .web.metrics import Metrics
from .web.middleware.checks import ChecksMiddleware
from .web.middleware.full_queue import FullQueueMiddleware
from .web.rates import Rates
from .web.requests import route_to
from .web.routes import (
    attention,
    captures,
    dump,
    grid,
    health,
    heatmap,
    induction_probe,
    metrics,
    models,
    pages,
    roles,
    rollout,
    scores,
    similarity,
)

ROUTES = (
    health,
    metrics,
    models,
    induction_probe,
    attention,
    captures,
    grid,
    heatmap,
    dump,
    scores,
    roles,
    similarity,
    rollout,
    pages,
)

log = logging.getLogger(__name__)


def create_app(settings: Settings) -> FastAPI:
    """The application. Its lifespan loads the default model while the page is already served.

    Raises ModelNotFound if the default model does not exist.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runner: Runner = app.state.runner
        work = (warm_up(runner), runner.sweep(), log_skipped_folders(runner))
        tasks = [asyncio.create_task(each) for each in work]
        yield
        for task in tasks:
            task.cancel()

    app = FastAPI(
        title="Headscope",
        version=version("headscope"),
        lifespan=lifespan,
        openapi_url=None,  # see web/schema and web/routes/pages
    )
    app.state.settings = settings
    app.state.runner = Runner(settings)
    app.state.connections = Connections(settings)
    app.state.metrics = Metrics(app.state.runner, app.state.connections)
    app.state.rates = Rates(settings.requests_per_minute)
    problems.install(app)
    schema.install(app, settings)
    add_middleware(app, settings)
    for module in ROUTES:
        app.include_router(module.router)
    app.mount("/static", pages.static, "static")
    return app


def add_middleware(app: FastAPI, settings: Settings) -> None:
    """The last one that is added sees each request first."""
    # Level 1 takes 25 ms where level 9, the default, takes 1.6 s.
    # Dumps are not compressed: dense float32 shrinks by a tenth in two seconds.
    dense = (MEDIA_TYPES["npz"], MEDIA_TYPES["safetensors"])
    app.add_middleware(GZipMiddleware, compresslevel=1, exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, *dense))
    # FastAPI(max_body_size=) would come before ChecksMiddleware and answer without problem+json.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.max_body_bytes)
    runner: Runner = app.state.runner
    app.add_middleware(
        FullQueueMiddleware,
        route=route_to(captures.capture, captures.router),
        is_full=lambda: runner.queues.model.is_full,
        check_room=runner.check_room_for,
    )
    app.add_middleware(ChecksMiddleware, settings=settings, on_response=app.state.metrics.count_response)


async def warm_up(runner: Runner) -> None:
    """Load the default model. If it fails, the log and /api/v1/models give the reason."""
    try:
        await runner.model(None)
    except (DownloadCancelled, ShuttingDown) as error:
        log.info("%s is not loaded: %s", runner.settings.model, error.detail)
    except AppError as error:
        log.error("%s is not loaded: %s", runner.settings.model, error.detail)  # noqa: TRY400 - the user has to fix it, no traceback


async def log_skipped_folders(runner: Runner) -> None:
    for warning in await runner.models.listing.warnings():
        log.warning("%s", warning)
