"""Records that several layers share: tokens, prompts, model cards, progress, and the names of formats."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol

from .errors import UnknownHead, UnknownLayer

Source = Literal["bundled", "local", "hub"]
State = Literal["available", "loading", "ready", "failed"]
Quantity = Literal["pattern", "scores"]
# What a window can show besides: how long is what a query gets from a key (Kobayashi et al. 2020).
Shown = Literal["pattern", "scores", "norm"]
Bend = Literal["linear", "sqrt"]  # how weights are spread over the 256 steps of a small picture
Pool = Literal["max", "mean"]
Keep = Literal["float32", "float16"]  # how queries and keys are kept; the log-sum-exp never narrower than float32
Format = Literal["json", "npy", "npz", "safetensors"]
DumpFormat = Literal["json", "npz", "safetensors", "csv"]
TableFormat = Literal["json", "csv", "parquet"]


@dataclass(frozen=True)
class Token:
    """One token as people see it. `start` and `end` are character offsets into the text of its segment.

    `special` tokens ([CLS], [SEP]) were put in by the tokenizer and stand nowhere in the text.
    """

    index: int
    id: int
    text: str
    start: int | None
    end: int | None
    special: bool
    segment: int


@dataclass(frozen=True)
class Prompt:
    """What a user asks to run: one text or a pair of texts, and the id of a model (None: the default model).

    truncate: cut a text that is too long instead of refusing it
    """

    text: str
    text_pair: str | None = None
    model: str | None = None
    truncate: bool = False


@dataclass(frozen=True)
class TokenizedPrompt:
    """A prompt as the model reads it. `dropped` is the number of tokens that `truncate` cut off."""

    prompt: Prompt
    tokens: tuple[Token, ...]
    dropped: int = 0


class Progress(Protocol):
    """How long-running work reports its progress and learns that it has to end. Called in the thread of the work.

    `engine.progress.WorkProgress` implements it; NO_PROGRESS is for callers that only wait for the result.
    """

    def check(self) -> None:
        """Call before each step. Raises the reason to end: Stopped, Stopping, Deadline or DownloadCancelled."""

    def expect(self, total: int) -> None:
        """Set the number of steps: layers, blocks of rows, or bytes of a download."""

    def step(self, count: int = 1) -> None:
        """Report that `count` more steps are done."""


class NoProgress:
    """Ignores reports and never ends the work."""

    def check(self) -> None:
        pass

    def expect(self, total: int) -> None:
        pass

    def step(self, count: int = 1) -> None:
        pass


NO_PROGRESS = NoProgress()


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model; sizes are None until it has been read."""

    id: str
    title: str
    family: str
    source: Source
    revision: str | None = None
    layers: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    d_model: int | None = None
    max_tokens: int | None = None
    causal: bool | None = None
    pairs: bool | None = None
    parameters: int | None = None
    state: State = "available"
    why: str | None = None

    def now(self, state: State, why: str | None = None) -> "ModelCard":
        return replace(self, state=state, why=why)

    def check_head(self, layer: int, head: int) -> None:
        """Raises UnknownLayer or UnknownHead, with the range there is."""
        assert self.layers is not None
        assert self.heads is not None
        if not 0 <= layer < self.layers:
            raise UnknownLayer(f"layer {layer}: {self.id} has layers 0..{self.layers - 1}")
        if not 0 <= head < self.heads:
            raise UnknownHead(f"head {head} of layer {layer}: {self.id} has heads 0..{self.heads - 1}")

    def to_dict(self) -> dict[str, Any]:
        """`why` only where there is one."""
        card = asdict(self)
        return card if self.why is not None else {name: value for name, value in card.items() if name != "why"}
