"""Metrics for Prometheus."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

router = APIRouter(tags=["service"])


@router.get("/metrics", summary="Get metrics for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Requests and their durations by route, method and status; jobs by kind and outcome; captures and
    models in memory; and the process."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
