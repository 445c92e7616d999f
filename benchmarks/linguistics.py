"""`python -m benchmarks.linguistics --conllu FILE --gap FILE`: which heads attend along linguistic relations.

Reads any treebank of Universal Dependencies, and the files of GAP (gap-coreference). Writes into the same report.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .gap import snippets
from .machine import facts
from .measurements import Row
from .paths import CACHE, HERE
from .recording import record
from .results import Result, load
from .treebank import sentences

if TYPE_CHECKING:
    from headscope.models.loading import LoadedModel

BUNDLED = ("minilm", "gpt2-mini")
File = Annotated[Path | None, typer.Option(exists=True, dir_okay=False)]


def main(
    conllu: File = None,
    gap: File = None,
    model: Annotated[list[str] | None, typer.Option(help="included model, local:NAME, or id of the hub")] = None,
    models_dir: Annotated[Path | None, typer.Option(help="folder of local models")] = None,
    limit: Annotated[
        int | None, typer.Option(min=2, help="read only so many entries of each file; the report is written to .bench")
    ] = None,
) -> None:
    """Dependency heads in a treebank, and pronouns in GAP, as in Clark et al. 2019."""
    if conllu is None and gap is None:
        raise typer.BadParameter("name at least one file: --conllu, --gap")
    CACHE.mkdir(exist_ok=True)
    home = CACHE if limit else HERE
    results, machine = load(home / "results.json"), facts()
    models = asyncio.run(loaded(model or BUNDLED, models_dir))
    tasks = {
        "dependencies": conllu and (lambda: dependency_rows(models, conllu, limit)),
        "pronouns": gap and (lambda: pronoun_rows(models, gap, limit)),
    }
    done = [record(name, rows, results, Result(machine), home) for name, rows in tasks.items() if rows]
    print(f"\n{home / 'README.md'}")
    if not all(done):
        raise typer.Exit(1)


def dependency_rows(models: list["LoadedModel"], file: Path, limit: int | None) -> Iterator[Row]:
    from .dependencies import rows

    read = list(islice(sentences(file.read_text(encoding="utf-8")), limit))
    for model in models:
        yield from rows(model, read)


def pronoun_rows(models: list["LoadedModel"], file: Path, limit: int | None) -> Iterator[Row]:
    from .pronouns import rows

    read = list(islice(snippets(file.read_text(encoding="utf-8")), limit))
    for model in models:
        yield from rows(model, read)


async def loaded(model_ids: Sequence[str], models_dir: Path | None) -> list["LoadedModel"]:
    from headscope.engine.model_cache import ModelCache
    from headscope.settings import Settings

    models = ModelCache(Settings(models_dir=models_dir))
    return [await models.model(model_id) for model_id in model_ids]


if __name__ == "__main__":
    typer.run(main)
