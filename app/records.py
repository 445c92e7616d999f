"""Records that several layers share: tokens, prompts, descriptions of models, progress, and the names of formats."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Protocol

from .errors import (
    NoAttention,
    PairNotSupported,
    TargetNotSupported,
    UnknownHead,
    UnknownLayer,
    UnknownStack,
    listed,
)

Source = Literal["bundled", "local", "hub"]
StackName = Literal["self", "encoder", "decoder", "cross"]
Side = Literal["source", "target"]
Prediction = Literal["next_token", "masked_token", "label", "token_label", "answer", "none"]
State = Literal["available", "loading", "ready", "failed"]
Quantity = Literal["pattern", "scores"]
BiasKind = Literal["distance", "key", "content", "dense"]  # what a bias depends on; dense: on both tokens
WindowQuantity = Quantity | Literal["bias"]  # what a capture has the numbers for
# A window can also show the norm of the weighted value (Kobayashi et al. 2020).
Shown = Literal["pattern", "scores", "bias", "norm"]
Bend = Literal["linear", "sqrt"]  # how a weight becomes one of the 256 values of a thumbnail
Pool = Literal["max", "mean"]
Keep = Literal["float32", "float16"]  # precision of captured queries and keys; the log-sum-exp is at least float32
ModelDtype = Literal["float32", "bfloat16"]  # of the weights of a model
Format = Literal["json", "npy", "npz", "safetensors"]
DumpFormat = Literal["json", "npz", "safetensors", "csv"]
TableFormat = Literal["json", "csv", "parquet"]


@dataclass(frozen=True)
class Token:
    """A token of a text.

    text:       its visible label; spaces and other invisible characters are shown
    start, end: its characters in the text of its segment, counted in code points; None for special tokens
    special:    added by the tokenizer, as [CLS] and [SEP]
    segment:    0 for the text, 1 for its pair
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
    target:   the text of the decoder, for models that have one; None lets the model write it
    """

    text: str
    text_pair: str | None = None
    model: str | None = None
    truncate: bool = False
    target: str | None = None


@dataclass(frozen=True)
class Target:
    """The text of a decoder, and its tokens as the decoder reads them: the first is a start token, and no part of it.

    written: by the model
    """

    tokens: tuple[Token, ...]
    text: str = ""
    written: bool = False


@dataclass(frozen=True)
class TokenizedPrompt:
    """A prompt as the model reads it.

    dropped:  the number of tokens that `truncate` cut off
    target:   None for a model without a decoder
    to_write: the most tokens that the model adds to the target: 0 if the target is given
    """

    prompt: Prompt
    tokens: tuple[Token, ...]
    dropped: int = 0
    target: Target | None = None
    to_write: int = 0

    @property
    def target_length(self) -> int:
        """The most tokens that the decoder reads."""
        return 0 if self.target is None else len(self.target.tokens) + self.to_write


class Progress(Protocol):
    """How long-running work in a thread reports its progress and learns that it has to end: `WorkProgress`, and
    NO_PROGRESS for callers that only wait for the result."""

    def check(self) -> None:
        """Call before each step. Raises the reason to end: ClientsGone, ShuttingDown, Deadline or DownloadCancelled."""

    def give_way(self) -> None:
        """Call while the work waits for memory, before it begins. Raises StepAside if other work waits behind it."""

    def patience(self, seconds: float) -> float:
        """What is left of these seconds of waiting for memory."""

    def expect(self, total: int) -> None:
        """Set the number of steps: layers, blocks of rows, or bytes of a download."""

    def step(self, count: int = 1) -> None:
        """Report that `count` more steps are done."""


class NoProgress:
    """Ignores reports and never ends the work."""

    def check(self) -> None: ...
    def give_way(self) -> None: ...
    def expect(self, total: int) -> None: ...
    def step(self, count: int = 1) -> None: ...

    def patience(self, seconds: float) -> float:
        return seconds


NO_PROGRESS = NoProgress()


def check_pair(text_pair: str | None, pairs: bool | None) -> None:
    """Raises PairNotSupported. `pairs`: whether the model reads pairs of texts; None if it is not known yet."""
    if text_pair is not None and pairs is False:
        raise PairNotSupported("this model was not trained on sentence pairs: send one text, or choose a BERT model")


@dataclass(frozen=True)
class LayerCard:
    """The attention of one layer of a stack. A layer without attention has no heads, and `why` says what it has.

    pair_bytes:  memory of a capture for each pair of a query and a key: 0 unless the layer has a mask or a bias that is
                 kept as a square, because no smaller form is exact
    table_bytes: memory of a capture for the tables of a bias by content, however long the text is
    bias:        what the bias depends on that the layer adds to its scores; None if it adds none
    """

    index: int
    heads: int = 0
    kv_heads: int = 0
    head_dim: int = 0
    pair_bytes: float = 0.0
    attention: bool = True
    bias: BiasKind | None = None
    why: str | None = None
    table_bytes: int = 0


@dataclass(frozen=True)
class StackCard:
    """Layers whose queries are all tokens of one text, and whose keys are all tokens of one text."""

    name: StackName
    layers: tuple[LayerCard, ...]
    causal: bool
    queries: Side = "source"
    keys: Side = "source"

    @property
    def heads(self) -> int:
        """The largest number of heads of a layer."""
        return max(layer.heads for layer in self.layers)

    @property
    def is_cross(self) -> bool:
        """Queries are tokens of one text and keys those of another."""
        return self.queries != self.keys

    @property
    def with_attention(self) -> list[int]:
        """The numbers of the layers that have attention."""
        return [layer.index for layer in self.layers if layer.attention]

    def has_head(self, layer: int, head: int) -> bool:
        """Whether an existing layer has this head: layers may differ in heads, or have none."""
        return head < self.layers[layer].heads

    def check_head(self, layer: int, head: int, model_id: str) -> None:
        """Raises UnknownLayer, UnknownHead, with the valid range, or NoAttention."""
        owner = model_id if self.name == "self" else f"the stack {self.name} of {model_id}"
        if not 0 <= layer < len(self.layers):
            raise UnknownLayer(f"layer {layer}: {owner} has layers 0..{len(self.layers) - 1}")
        found = self.layers[layer]
        if not found.attention:
            present = self.with_attention
            have_it = f"layers {listed(present)} have it" if len(present) > 1 else f"layer {present[0]} has it"
            raise NoAttention(f"layer {layer} of {owner} has no softmax attention ({found.why}): {have_it}")
        if not 0 <= head < found.heads:
            raise UnknownHead(f"head {head} of layer {layer}: {owner} has heads 0..{found.heads - 1}")


@dataclass(frozen=True)
class AdmissionCard:
    """How far the patterns of each layer are from those of the reference, on a few tokens.

    The layers of one stack follow those of another, in the order of the stacks.
    """

    max_abs_error: tuple[float, ...]
    reference: str


@dataclass(frozen=True)
class ModelCard:
    """A description of a model. Sizes are None until they are known.

    layers, heads:   of the first stack: the number of its layers, and the largest number of heads that one of them has
    stacks:          the layers of a loaded model
    certificate:     the comparison when the model was loaded; None for bundled models, which tests compare
    prediction:      of a loaded model, what its head predicts; "none" if it has no head that is known
    labels:          of a loaded model that predicts labels, the names of the first, and how many more there are
    max_target:      of a loaded model with a decoder over an encoder, the most tokens that the decoder reads
    ignored:         of a loaded model, the weights in its file that are not used
    dtype:           of the weights, once they are loaded; scores and weights of attention are float32 or wider
    projections:     for a loaded model, whether the projections of each head are known, which norms need
    work_bytes:      of a loaded model, the largest tensor that it makes for all pairs of a query and a key while it
                     runs, in bytes for each pair
    why:             the reason if the state is `failed`; for a loaded model, what happened to its files
    verified:        for a loaded model, whether the hash of its weights was known, and is the right one
    changed_on_disk: True for a loaded model whose files have been changed or deleted since
    """

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
    stacks: tuple[StackCard, ...] = ()
    certificate: AdmissionCard | None = None
    dtype: ModelDtype = "float32"
    prediction: Prediction | None = None
    labels: tuple[str, ...] = ()
    max_target: int | None = None
    ignored: tuple[str, ...] = ()
    projections: bool | None = None
    work_bytes: float = 0.0
    verified: bool | None = None
    state: State = "available"
    why: str | None = None
    changed_on_disk: bool = False

    def now(self, state: State, why: str | None = None, *, changed_on_disk: bool = False) -> "ModelCard":
        return replace(self, state=state, why=why, changed_on_disk=changed_on_disk)

    def stack(self, name: str | None = None) -> StackCard:
        """The stack of that name; the first one for None. Raises UnknownStack, with the names."""
        found = next((stack for stack in self.stacks if name in (None, stack.name)), None)
        if found is None:
            names = listed([stack.name for stack in self.stacks])
            raise UnknownStack(f"stack={str(name)[:40]}: {self.id} has {names}")
        return found

    @property
    def has_decoder(self) -> bool:
        """The model reads a target besides the text: the text of a decoder."""
        return any(stack.queries == "target" for stack in self.stacks)

    def check_target(self, target: str | None) -> None:
        """Raises TargetNotSupported."""
        if target is not None and not self.has_decoder:
            raise TargetNotSupported(
                f"{self.id} has no decoder over an encoder, so it reads no target: leave it out, or choose a model "
                "such as T5, BART or Marian"
            )

    @property
    def is_causal(self) -> bool:
        """A stack of the model is causal."""
        return any(stack.causal for stack in self.stacks)

    def to_dict(self) -> dict[str, Any]:
        """`why` is left out if there is none."""
        card = dict(vars(self))  # `asdict` takes 70 ms for a thousand cards
        card["stacks"] = [asdict(stack) for stack in self.stacks]
        card["certificate"] = self.certificate and asdict(self.certificate)
        return card if self.why is not None else {name: value for name, value in card.items() if name != "why"}
