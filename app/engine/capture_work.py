"""The work of a capture job, in the thread that runs the model: tokens, memory, the target, and the run itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..capture.cost import Cost
from ..records import ModelCard, Progress, Prompt, TokenizedPrompt
from ..settings import Settings
from .capture_job import CaptureJob
from .event_space import space_of_events
from .ledger import Ledger, Reservation
from .limits import bytes_of_text
from .progress import StepAside
from .tokenizing import tokenize_in_thread

if TYPE_CHECKING:
    from ..capture.capture import Capture
    from ..capture.layer import LayerCapture
    from ..models.loading import LoadedModel


@dataclass(frozen=True)
class PreparedPrompt:
    """A prompt with its model loaded, its texts checked, and the id of its capture."""

    prompt: Prompt
    model: "LoadedModel"
    capture_id: str


@dataclass
class Squares:
    """What the masks and biases of a run take beyond its cost, added to its reservation layer by layer.

    Some turn out to be squares only in a text that is longer than those which the model was tried with.
    """

    cost: Cost
    held: Reservation
    progress: Progress
    found: dict[int, int] = field(default_factory=dict)

    def add(self, layer: "LayerCapture") -> None:
        """Raises TooLarge, Busy."""
        tensors = (*layer.terms.squares, *layer.terms.tables)
        self.found |= {x.data_ptr(): x.nbytes for x in tensors}  # layers can share them
        size = sum(self.found.values()) - self.cost.tables
        if size > self.cost.squares:
            known = replace(self.cost, bytes=self.cost.bytes - self.cost.squares + size, squares=size)
            what = f"the capture of {known.tokens:,} tokens, of which layer {layer.index} is computed,"
            self.held.grow(
                self.progress, known.kept, what, f"shorten the text to {known.most_tokens:,} tokens or fewer"
            )


@dataclass(frozen=True)
class CaptureWork:
    """cost: of a tokenized prompt for the model of a card, as `Runner.cost`"""

    ledger: Ledger
    settings: Settings
    cost: Callable[[ModelCard, TokenizedPrompt, Iterable[int | None]], Cost]

    def run(
        self, prepared: PreparedPrompt, tokenized: TokenizedPrompt | None, job: CaptureJob, progress: Progress
    ) -> "Capture":
        from ..capture.capture import run_prompt
        from ..models.writing import written

        model, keep = prepared.model, self.settings.capture_dtype
        if tokenized is None:
            tokenized = tokenize_in_thread(model, prepared.prompt, self.settings)
        cost = self.cost(model.card, tokenized, list(job.wanted))
        held = self.reserve(cost, job, progress)
        job.report_tokens(tokenized, cost)
        try:
            if tokenized.to_write:
                tokenized = written(model, tokenized, progress, job.report_written)
                cost = with_written(cost, tokenized, held, progress)
                job.report_tokens(tokenized, cost)
            squares = Squares(cost, held, progress)

            def add(layer: "LayerCapture") -> None:
                squares.add(layer)
                job.report_layer(layer)

            capture = run_prompt(model, tokenized, prepared.capture_id, keep, progress, add, held)
            if cost.writing or cost.working:  # which is over; a target can be shorter than its limit
                held.shrink(capture.bytes + cost.text)
            return capture
        except BaseException:
            if not job.has_layers:  # each layer refers to what is held, until the last follower has left
                held.release()
            raise

    def reserve(self, cost: Cost, job: CaptureJob, progress: Progress) -> Reservation:
        """The memory of the capture, and that of its events. Raises TooLarge, Busy."""
        what = f"the capture of {cost.tokens:,} tokens by {job.card.id}"
        way_out = f"shorten the text to {cost.most_tokens:,} tokens, set HEADSCOPE_CAPTURE_DTYPE=float16"
        self.ledger.check(cost.kept, what, way_out)
        job.bytes = cost.kept
        job.space = space_of_events(self.ledger, cost.events, cost.kept, progress)
        try:
            return self.ledger.reserve_for_job(progress, "captures", cost.kept, what, way_out)
        except StepAside:
            job.space = None
            raise


def with_written(cost: Cost, tokenized: TokenizedPrompt, held: Reservation, progress: Progress) -> Cost:
    """The cost with the memory of the target that the model has written, which is reserved as well.

    Raises TooLarge, Busy.
    """
    known = replace(cost, text=bytes_of_text(tokenized))
    what = f"the capture of {cost.tokens:,} tokens, with the target that the model has written,"
    held.grow(progress, known.kept, what, "send a target, or a shorter text")
    return known
