"""Headscope as a Python library: load a model, run a text, look at any head. No server and no event loop.

    import headscope
    model = headscope.load("minilm")
    run = model.capture("The cat sat on the mat")
    run[2, 5].pattern       # numpy array [query key]

Axis letters: l layer, h head.
"""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from .analysis.roles import roles
from .analysis.scores import per_head
from .analysis.table import scores_named
from .capture.capture import Capture, run
from .capture.certificate import Certificate, certify
from .capture.extras import Extra, Extras
from .capture.windows import head_window, overview, window
from .engine.limits import check_texts
from .engine.load import load_now
from .errors import InvalidInput, ModelNotFound
from .models.folders import folder_named, path_meant, problem_with
from .models.loading import LoadedModel
from .models.registry import LOCAL, Catalogue, Entry, is_bundled
from .records import ModelCard, Pool, Prompt, Token, WindowQuantity
from .settings import Settings


def load(model: str | os.PathLike[str] = "minilm", **settings: Any) -> "Model":
    """A model that is ready to run.

    model:    the id of a bundled model (`minilm`, `gpt2-mini`) or of one on the hub (`gpt2`, `owner/name@revision`),
              `NAME` or `local:NAME` for a folder in `models_dir`, or the path of a model's folder
    settings: any setting of the server by its name, such as `models_dir="models"` or `device="cuda"`; the others come
              from environment variables (docs/settings.md)

    Raises ModelNotFound, ModelRefused with the reason, HubUnreachable.
    """
    return open_model(model, Settings(**settings))


def open_model(model: str | os.PathLike[str], settings: Settings) -> "Model":
    """The same as `load`, with settings that are made already."""
    catalogue = Catalogue(settings.models_dir, settings.hub_models, settings.local_models)
    return Model(load_now(entry_of(model, settings) or catalogue.lookup(str(model)), settings), settings)


def entry_of(model: str | os.PathLike[str], settings: Settings) -> Entry | None:
    """The entry of a path, or of a bare name in `models_dir`; None for the id of a model. Raises ModelNotFound."""
    path = Path(model) if not isinstance(model, str) else in_models_dir(model, settings) or path_meant(model)
    if path is None:
        return None
    if reason := problem_with(path):
        raise ModelNotFound(f"{str(path)!a} is no folder of a model: {reason}")
    folder = path.resolve()
    return Entry(ModelCard(LOCAL + folder.name, folder.name, "", "local"), folder=folder)


def in_models_dir(model: str, settings: Settings) -> Path | None:
    """The folder of that name; a bundled model comes first."""
    offered = settings.local_models is None or model in settings.local_models
    return (
        folder_named(model, settings.models_dir) if settings.models_dir and offered and not is_bundled(model) else None
    )


@dataclass(frozen=True)
class Model:
    """A loaded model. `card` describes it: its layers, heads, longest text and so on."""

    loaded: LoadedModel
    settings: Settings

    @property
    def card(self) -> ModelCard:
        return self.loaded.card

    def tokens(self, text: str, text_pair: str | None = None) -> tuple[Token, ...]:
        """The tokens of a text, or of a pair of texts. Raises TooManyTokens, PairNotSupported, EmptyText."""
        return self.loaded.tokens(text, text_pair)[0]

    def capture(
        self,
        text: str,
        text_pair: str | None = None,
        *,
        target: str | None = None,
        truncate: bool = False,
        extras: Collection[Extra] = (),
    ) -> "Run":
        """Run a text once. The result has every head, at a memory that grows with the text, not with its square.

        target:   the text of the decoder, of a model that has one over an encoder; None lets the model write it
        truncate: cut off the end of a text that is too long, instead of raising TooManyTokens
        extras:   what else to keep: "values" (`run.values`), "stream" (`run.stream_norms`), "hidden" (`run.hidden`)
        Raises EmptyText, TextTooLong, TooManyTokens, PairNotSupported, TargetNotSupported, ModelOutputInvalid,
        UnsupportedModel for a model without one residual stream if its norms are asked for.
        """
        prompt = Prompt(text, text_pair, truncate=truncate, target=target)
        check_texts(prompt, self.settings.max_characters)
        settings, more = self.settings, Extras(extras)
        limits = settings.max_tokens, settings.capture_dtype, settings.max_written
        return Run(run(self.loaded, prompt, *limits, extras=more), self.loaded, more)

    def __repr__(self) -> str:
        return f"<Model {self.card.id}: {self.card.layers} layers x {self.card.heads} heads>"


@dataclass(frozen=True)
class Run:
    """One text through one model. `run[layer, head]` is a head; layers and heads count from 0."""

    captured: Capture
    model: LoadedModel
    extras: Extras

    @property
    def tokens(self) -> list[str]:
        """The labels of the tokens; invisible characters are shown."""
        return [token.text for token in self.captured.tokens]

    @property
    def layers(self) -> list[int]:
        """The numbers of the layers that have attention."""
        return [layer.index for layer in self.captured.layers]

    @property
    def target_tokens(self) -> list[str]:
        """Those of the target, with the start token of the decoder; empty for a model without a decoder."""
        return [token.text for token in self.captured.tokens_of("target")]

    @property
    def target(self) -> str | None:
        """The text of the target, given or written by the model; None for a model without a decoder."""
        target = self.captured.target
        return None if target is None else target.text

    def stack(self, name: str) -> "Run":
        """The same run at the stack encoder, decoder or cross; at first it is at the encoder. Raises UnknownStack."""
        return Run(self.captured.of_stack(name), self.model, self.extras)

    def heads(self, layer: int) -> int:
        """The number of heads of a layer. Raises UnknownLayer, NoAttention."""
        self.captured.check_head(layer, 0)
        return self.captured.of_layer(layer).heads

    def __getitem__(self, place: tuple[int, int]) -> "Head":
        """Raises UnknownLayer, UnknownHead, NoAttention."""
        layer, head = place
        self.captured.check_head(layer, head)
        return Head(self, layer, head)

    def __iter__(self) -> Iterator["Head"]:
        return (Head(self, layer, head) for layer in self.layers for head in range(self.heads(layer)))

    def overview(self, cells: int = 48, pool: Pool = "max") -> np.ndarray:
        """Every head in at most cells x cells, [layer head query key]; NaN where a layer does not have a head."""
        return overview(self.captured, cells, pool)[0]

    def scores(self, names: str | None = None) -> dict[str, np.ndarray]:
        """Scores by name, [l h] each; all of them, or those of a list such as "entropy,first".

        NaN where a score is not defined. Raises InvalidInput for an unknown name.
        """
        wanted = scores_named(names)
        return {score.name: values for score, values in zip(wanted, per_head(self.captured, wanted), strict=True)}

    def roles(self) -> dict[str, np.ndarray]:
        """Roles by name, [l h] each: True where a head has the role (docs/heads.md)."""
        from .analysis.formulas.roles import ROLES

        return {role.name: held for role, held in zip(ROLES, roles(self.captured).held, strict=True)}

    def values(self, layer: int) -> np.ndarray:
        """[group key width], the value vectors of a layer, one row of them for each key/value head.

        Raises InvalidInput unless the text was captured with extras=["values"].
        """
        return self.kept("values", self.extras.values, layer)

    def stream_norms(self, layer: int) -> np.ndarray:
        """[query], the norm of the residual stream that a layer reads.

        Raises InvalidInput unless the text was captured with extras=["stream"].
        """
        return self.kept("stream", self.extras.stream, layer)

    @property
    def hidden(self) -> np.ndarray:
        """[query width], the last hidden state, after the last normalisation of the model.

        Raises InvalidInput unless the text was captured with extras=["hidden"].
        """
        return self.kept("hidden", self.extras.hidden)

    def kept(self, name: Extra, found: list[Tensor], layer: int | None = None) -> np.ndarray:
        """Of one layer, or of the whole model."""
        if name not in self.extras.wanted:
            raise InvalidInput(f'this run has not kept "{name}": capture the text with extras=["{name}"]')
        if layer is None:
            return found[0].float().cpu().numpy()
        self.captured.check_head(layer, 0)
        every = self.captured.all_layers
        number = next(n for n, each in enumerate(every) if each is self.captured.of_layer(layer))
        return found[number].float().cpu().numpy()

    def verify(self) -> Certificate:
        """Every weight of this text compared with Hugging Face's eager attention."""
        return certify(self.model, self.captured)

    def __repr__(self) -> str:
        return f"<Run of {self.captured.card.id}: {len(self.captured.tokens)} tokens>"


@dataclass(frozen=True)
class Head:
    """One head of a run."""

    run: Run
    layer: int
    head: int

    @cached_property
    def pattern(self) -> np.ndarray:
        """[query key], the attention weights, after the softmax."""
        return self.window()

    @property
    def scores(self) -> np.ndarray:
        """[query key], the raw scores, before mask and softmax."""
        return self.window(quantity="scores")

    def window(
        self,
        rows: tuple[int, int] | None = None,
        columns: tuple[int, int] | None = None,
        *,
        cells: int | None = None,
        pool: Pool = "max",
        quantity: WindowQuantity = "pattern",
    ) -> np.ndarray:
        """Queries `rows` and keys `columns`, (start, stop) each, in at most cells x cells. Raises InvalidWindow."""
        captured = self.run.captured
        part = window(len(captured.queries), rows, columns, cells, len(captured.keys))
        return head_window(captured, self.layer, self.head, part, pool, quantity)

    def __repr__(self) -> str:
        return f"<Head {self.layer}.{self.head} of {self.run.captured.card.id}>"
