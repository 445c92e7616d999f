"""More passes of a model besides a run: certificates, norms of weighted values, and the induction probe."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..capture.cost import bytes_kept
from ..errors import CaptureGone
from ..records import Keep, ModelCard, Progress
from .capture_cache import CaptureCache
from .ledger import Ledger, released_on_error
from .limits import cost_of_certificate, cost_of_norms
from .model_cache import ModelCache
from .queues import Queues

if TYPE_CHECKING:
    from ..analysis.induction import ProbeResult
    from ..analysis.norms import Grams
    from ..capture.capture import Capture
    from ..capture.certificate import Certificate
    from ..models.loading import LoadedModel


@dataclass(frozen=True)
class MorePasses:
    """Each is a job in the queue of the models.

    keep: precision of the captures
    """

    models: ModelCache
    queues: Queues
    ledger: Ledger
    captures: CaptureCache
    keep: Keep

    async def model_of(self, capture: "Capture") -> "LoadedModel":
        """The model that made the capture. Raises CaptureGone if other weights have been loaded under its id since."""
        model = await self.models.model(capture.card.id)
        if model.card.revision != capture.card.revision:
            raise CaptureGone(
                f"{capture.card.id} was loaded again from other files since this capture: post the text again"
            )
        return model

    async def certify(self, model: "LoadedModel", capture: "Capture") -> "Certificate":
        """The comparison with Hugging Face's attention by the model that made the capture, after `check_room`.

        A caller that has the model may not ask for it again: it may have been unloaded meanwhile, and a load waits
        until nobody has an unloaded model any more. Raises TooLarge, ClientsGone, Deadline.
        """
        work = self.certify_in_thread
        return await self.queues.run_model("certificate", capture.id, work, model, capture, admitted=True).follow()

    def certify_in_thread(self, model: "LoadedModel", capture: "Capture", progress: Progress) -> "Certificate":
        from ..capture.certificate import certify

        sizes = len(capture.tokens), len(capture.tokens_of("target"))
        cost = cost_of_certificate(capture.card, *sizes, capture.bytes, self.ledger)
        with self.ledger.reserve_for_job(progress, "certificates", *cost):
            return certify(model, capture, progress)

    def check_certificate(self, card: ModelCard, tokens: int, target: int = 0) -> None:
        """Raises TooLarge if a text, and a target, of that many tokens can have no certificate, before it is run."""
        capture_bytes = bytes_kept(card, tokens, self.keep, target)
        self.ledger.check(*cost_of_certificate(card, tokens, target, capture_bytes, self.ledger))

    async def grams(self, capture: "Capture") -> "Grams":
        """What norms are computed from, cached with the capture. Raises TooLarge, Busy, ClientsGone, Deadline."""
        self.ledger.check(*cost_of_norms(capture))
        if cached := self.cached_grams(capture):
            return cached
        model = await self.model_of(capture)
        return (
            self.cached_grams(capture)
            or await self.queues.run_model("norms", capture.id, self.grams_in_thread, model, capture).follow()
        )

    def grams_in_thread(self, model: "LoadedModel", capture: "Capture", progress: Progress) -> "Grams":
        from ..analysis.norms import grams

        held = self.ledger.reserve_for_job(progress, "norms", *cost_of_norms(capture))
        with released_on_error(held):
            found = grams(model, capture, progress, held)
        self.captures.add_grams(capture, found)
        return found

    def cached_grams(self, capture: "Capture") -> "Grams | None":
        cached = self.captures.find(capture.id)
        return None if cached is None else cached.grams

    async def probe(self, model_id: str | None) -> "tuple[ModelCard, ProbeResult]":
        """The induction probe of a model; it needs no text. Raises Busy, ClientsGone, Deadline."""
        model = await self.models.model(model_id)
        from ..analysis.induction import probe

        return model.card, await self.queues.run_model(
            "probe", f"{model.card.id} {model.card.revision}", probe, model
        ).follow()
