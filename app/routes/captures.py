"""Captures: one text through one model, kept, so that its heads can be looked at for as long as one likes."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from .deps import TRUNCATE, TheRunner, only_json
from .strict import StrictModel, StrictRoute, Text

if TYPE_CHECKING:
    from ..capture import Capture

router = APIRouter(prefix="/api/v1/captures", tags=["captures"], route_class=StrictRoute)


class CaptureRequest(StrictModel):
    text: Text
    text_pair: str | None = None
    model: str | None = None
    truncate: bool = Field(False, description=TRUNCATE)


@router.post(
    "",
    summary="Capture a text",
    status_code=201,
    dependencies=[Depends(only_json)],
    responses={200: {"description": "it exists already"}},
)
async def capture(body: CaptureRequest, runner: TheRunner, response: Response) -> dict[str, Any]:
    """Run a text through a model and keep what its maps are made of."""
    made, new = await runner.capture(body.text, body.text_pair, body.model, body.truncate)
    response.status_code = 201 if new else 200
    response.headers["Location"] = f"{router.prefix}/{made.id}"
    return said(made, runner.expires_in(made.id))


@router.get("/{capture_id}", summary="A capture again", dependencies=[Depends(only_json)])
async def look(capture_id: str, runner: TheRunner) -> dict[str, Any]:
    """The capture again, without its text being sent."""
    return said(runner.kept(capture_id), runner.expires_in(capture_id))


@router.delete("/{capture_id}", summary="Let go of a capture", status_code=204)
async def forget(capture_id: str, runner: TheRunner) -> None:
    """Let go of it at once."""
    runner.forget(capture_id)


def said(capture: "Capture", seconds: int) -> dict[str, Any]:
    size = len(capture.tokens)
    return {
        "id": capture.id,
        "model": capture.card.to_dict(),
        "tokens": [asdict(token) for token in capture.tokens],
        "layers": len(capture.layers),
        "heads": capture.heads,
        "queries": size,
        "keys": size,
        "bytes": capture.bytes,
        "truncate": capture.truncate,
        "tokens_dropped": capture.dropped,
        "expires_in": seconds,
    }
