"""`headscope models`: the list of models."""

import json
from typing import Annotated

import typer

from ..records import ModelCard
from .options import NOT_SHARED, ModelsDirOption, settings_from

COLUMNS = ("id", "layers x heads", "parameters", "source", "state")


def models(
    as_json: Annotated[bool, typer.Option("--json", help="the answer of GET /api/v1/models")] = False,
    models_dir: ModelsDirOption = None,
) -> None:
    """List the models, without loading them."""
    from ..models.registry import Catalogue

    settings = settings_from(**NOT_SHARED, models_dir=models_dir)
    catalogue = Catalogue(settings.models_dir, settings.hub_models, settings.local_models)
    cards = [entry.card for entry in catalogue.listed()]
    for warning in catalogue.skipped_folders():
        typer.echo(warning, err=True)
    if as_json:
        answer = {"default": settings.model, "models": [card.to_dict() for card in cards]}
        typer.echo(json.dumps(answer, indent=2))
        return
    rows = [COLUMNS, *(row(card) for card in cards)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for cells in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def row(card: ModelCard) -> tuple[str, ...]:
    """A size that is unknown until the model is loaded is a question mark."""
    sizes = f"{card.layers} x {card.heads}" if card.layers and card.heads else "?"
    return card.id, sizes, f"{card.parameters:,}" if card.parameters else "?", card.source, card.state
