"""`headscope models`: which models there are."""

import json
from typing import Annotated

import typer

from ..records import ModelCard
from .flags import NOWHERE, ModelsDir, settings_from

COLUMNS = ("id", "layers x heads", "parameters", "source", "state")


def models(
    as_json: Annotated[bool, typer.Option("--json", help="as GET /api/v1/models answers")] = False,
    models_dir: ModelsDir = None,
) -> None:
    """List the models, without loading any."""
    from ..engine.model_cache import Shelf

    settings = settings_from(host=NOWHERE, models_dir=models_dir)
    shelf = Shelf(settings)
    cards = shelf.cards()
    for word in shelf.catalogue.skipped_folders():
        typer.echo(word, err=True)
    if as_json:
        said = {"default": settings.model, "models": [card.to_dict() for card in cards]}
        typer.echo(json.dumps(said, indent=2))
        return
    rows = [COLUMNS, *(row(card) for card in cards)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for each in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)).rstrip())


def row(card: ModelCard) -> tuple[str, ...]:
    """A size that is not known before the model is read is a question mark."""
    sizes = f"{card.layers} x {card.heads}" if card.layers and card.heads else "?"
    return card.id, sizes, f"{card.parameters:,}" if card.parameters else "?", card.source, card.state
