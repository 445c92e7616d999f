"""The job of a capture: what a run reports while it is made."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from ..capture.cost import Cost
from ..records import ModelCard, Target, Token, TokenizedPrompt
from .job import Job
from .ledger import Ledger
from .progress import WorkProgress
from .shared_bytes import Room, SharedBytes

if TYPE_CHECKING:
    from ..capture.capture import Capture
    from ..capture.layer import LayerCapture

# (layer, cells, bend) -> the `layer` event of a stream.
Thumbnails = dict[tuple[int, int, str], SharedBytes]
# Larger thumbnails take more memory than computing them again is worth.
MAX_CACHED_CELLS = 64


@dataclass(eq=False)
class CaptureJob(Job["Capture"]):
    """One run of a model; its key is the id of the capture.

    wanted:     the cells of the event streams that follow it; 0 for a description only, None for nothing of both
    target:     of a model with a decoder; while the model writes it, what is written so far
    is_written: whether the target is complete
    bytes:      of its capture, once it has begun
    space:      the memory of the events
    has_layers: whether a layer has been reported
    layers:     those that are captured, in order
    thumbnails: cached for the next follower
    """

    card: ModelCard = field(kw_only=True)
    tokens: tuple[Token, ...] = ()
    dropped: int = 0
    target: Target | None = None
    is_written: bool = False
    wanted: set[int | None] = field(default_factory=set)
    bytes: int = 0
    space: Ledger | None = None
    cost: Cost | None = None
    has_layers: bool = False
    layers: "list[LayerCapture]" = field(default_factory=list)
    thumbnails: Thumbnails = field(default_factory=dict)

    @classmethod
    def of(cls, capture_id: str, card: ModelCard, seconds: float) -> Self:
        return cls("run", capture_id, WorkProgress(seconds, "layers"), card=card)

    @classmethod
    def finished(cls, capture: "Capture", thumbnails: Thumbnails) -> Self:
        """The job of a capture that exists already."""
        job = cls(
            "run",
            capture.id,
            card=capture.card,
            tokens=capture.tokens,
            dropped=capture.dropped,
            target=capture.target,
            is_written=True,
            layers=list(capture.all_layers),
            thumbnails=thumbnails,
            bytes=capture.bytes,
        )
        job.task.set_result(capture)
        return job

    @property
    def all_tokens(self) -> tuple[Token, ...]:
        """Of the text and of the target."""
        return (*self.tokens, *(self.target.tokens if self.target else ()))

    @property
    def complete_target(self) -> Target | None:
        """None while the model writes it."""
        return self.target if self.is_written else None

    @property
    def room(self) -> Room:
        """Where there is memory for its events."""
        return Room(self.space, self.bytes, wait=True)

    def stop_if_unfollowed(self) -> None:
        super().stop_if_unfollowed()
        if not self.followers:
            self.space = None

    def report_tokens(self, tokenized: TokenizedPrompt, cost: Cost) -> None:
        """Called in the thread that runs the model."""
        complete = tokenized.to_write == 0
        self.report(
            tokens=tokenized.tokens, dropped=tokenized.dropped, target=tokenized.target, is_written=complete, cost=cost
        )

    def report_written(self, tokens: tuple[Token, ...]) -> None:
        """Called in the thread that runs the model, with the tokens that it has written so far."""
        self.report(target=Target(tokens, written=True))

    def report_layer(self, layer: "LayerCapture") -> None:
        """Called in the thread that runs the model."""
        self.has_layers = True
        self.loop.call_soon_threadsafe(self.add_layer, layer)

    def add_layer(self, layer: "LayerCapture") -> None:
        self.layers.append(layer)
        self.update()

    def cache_thumbnail(self, layer: int, cells: int, bend: str, event: SharedBytes) -> None:
        """Only one size is cached, so that a client that asks for many cannot fill the memory."""
        if any(key[1:] != (cells, bend) for key in self.thumbnails):
            self.thumbnails.clear()
        if cells <= MAX_CACHED_CELLS:
            self.thumbnails[layer, cells, bend] = event
