"""What the server has done and what it holds, for Prometheus."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

router = APIRouter(tags=["service"])


@router.get("/metrics", summary="Numbers for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Requests by route, method and status, and their seconds; runs and how they ended; what is kept; the process."""
    return Response(request.app.state.metrics.text(), media_type=CONTENT_TYPE_LATEST)
