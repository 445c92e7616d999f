"""Which models there are, and loading one."""

from typing import Any

from fastapi import APIRouter, Depends

from .deps import StrictModel, StrictRoute, TheRunner, TheSettings, only_json

router = APIRouter(prefix="/api/v1/models", tags=["models"], route_class=StrictRoute)


class LoadRequest(StrictModel):
    model: str


@router.get("", summary="List the models")
async def models(runner: TheRunner, settings: TheSettings) -> dict[str, Any]:
    """Every model, with its state."""
    return {"default": settings.model, "models": [card.to_dict() for card in runner.cards()]}


@router.post("/load", summary="Load a model", dependencies=[Depends(only_json)])
async def load(body: LoadRequest, runner: TheRunner) -> dict[str, Any]:
    """Load a model, or wait for the load that is under way; its card when ready."""
    model = await runner.model(body.model)
    return model.card.to_dict()
