"""The only state: the shelf of models, and captures; one forward at a time, never on the event loop."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread
from cachetools import TTLCache

from .errors import Busy, CaptureGone, EmptyText, TextTooLong, TooLarge
from .records import ModelCard
from .settings import Settings
from .shelf import Shelf

# torch and transformers take seconds to import. They come with the first model, in a worker thread:
# the port is bound and the page on the screen before that.
if TYPE_CHECKING:
    from .capture import Capture
    from .certificate import Certificate
    from .models.loading import LoadedModel

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


SWEEP_SECONDS = 60


@dataclass(frozen=True)
class Kept:
    """A capture, and until when (monotonic seconds) it is kept."""

    capture: "Capture"
    until: float


class Runner:
    """Loads each model once, runs one forward at a time, keeps captures within a number of bytes.

    Raises ModelNotFound where there is no such default model.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shelf = Shelf(settings)
        self.shelf.catalogue.lookup(settings.model)
        self.captures: TTLCache[str, Kept] = TTLCache(
            settings.max_capture_bytes, settings.capture_seconds, monotonic, getsizeof=lambda kept: kept.capture.bytes
        )
        self.slot = CapacityLimiter(1)
        self.readers = CapacityLimiter(2)
        self.making: dict[str, asyncio.Task[Capture]] = {}

    async def model(self, model_id: str | None) -> "LoadedModel":
        """The loaded model. Raises ModelNotFound, ModelRefused and what a download can meet."""
        return await self.shelf.model(model_id)

    # Captures

    async def capture(
        self, text: str, text_pair: str | None, model_id: str | None, truncate: bool = False
    ) -> "tuple[Capture, bool]":
        """The capture of that text, and whether it had to be made. Raises what its input deserves."""
        model = await self.model(model_id)
        self.check_texts(text, text_pair)

        from .capture import capture_id

        wanted = capture_id(model.card, text, text_pair, truncate)
        kept: Kept | None = self.captures.get(wanted)
        if kept is not None:
            return kept.capture, False
        making = self.making.get(wanted)
        if making is not None:
            return await asyncio.shield(making), False
        making = self.making[wanted] = asyncio.create_task(self.make(model, text, text_pair, truncate))
        making.add_done_callback(lambda _: self.making.pop(wanted))
        return await asyncio.shield(making), True  # one caller's leaving must not stop those who joined

    async def make(self, model: "LoadedModel", text: str, text_pair: str | None, truncate: bool) -> "Capture":
        from .capture import run

        made = await self.compute(run, model, text, text_pair, self.settings.max_tokens, truncate)
        log.info("captured %s: %d tokens by %s, %d bytes", made.id, len(made.tokens), made.card.id, made.bytes)
        self.keep(made)
        return made

    def keep(self, capture: "Capture") -> None:
        most = self.settings.max_capture_bytes
        if capture.bytes > most:
            raise TooLarge(f"this capture takes {capture.bytes:,} bytes, HEADSCOPE_MAX_CAPTURE_BYTES is {most:,}")
        self.captures[capture.id] = Kept(capture, monotonic() + self.settings.capture_seconds)

    def kept(self, capture_id: str) -> "Capture":
        """Raises CaptureGone."""
        kept: Kept | None = self.captures.get(capture_id)
        if kept is None:
            raise CaptureGone("no such capture, or no longer: post the same text again and it gets the same id")
        return kept.capture

    def expires_in(self, capture_id: str) -> int:
        """Seconds that the capture is still kept, unless newer ones need its room."""
        kept: Kept | None = self.captures.get(capture_id)
        return 0 if kept is None else max(0, round(kept.until - monotonic()))

    async def sweep(self) -> None:
        """Let go of what has expired, also while nobody asks for anything; runs until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.captures.expire()

    def forget(self, capture_id: str) -> None:
        """Raises CaptureGone."""
        self.kept(capture_id)
        del self.captures[capture_id]

    async def measure(
        self, text: str, text_pair: str | None, model_id: str | None, truncate: bool = False
    ) -> tuple[ModelCard, int]:
        """The card of the model, and how many tokens it makes of the text, before anything is run."""
        model = await self.model(model_id)
        self.check_texts(text, text_pair)
        tokenize = partial(model.tokens, text, text_pair, self.settings.max_tokens, truncate=truncate)
        tokens, _ = await self.read(tokenize)
        return model.card, len(tokens)

    def check_texts(self, *texts: str | None) -> None:
        """Raises EmptyText, TextTooLong; before tokenizing, which is slow for a long enough text."""
        most = self.settings.max_characters
        for name, text in zip(("text", "text_pair"), texts, strict=False):
            if text is not None and not text.strip():
                raise EmptyText(f"{name} is empty: send at least one character that is not a space")
            if text is not None and len(text) > most:
                raise TextTooLong(
                    f"{len(text):,} characters: this server reads at most {most:,}, so shorten the text "
                    "(or raise HEADSCOPE_MAX_CHARACTERS)"
                )

    async def certify(self, capture: "Capture") -> "Certificate":
        from .certificate import certify

        return await self.compute(certify, await self.model(capture.card.id), capture)

    # Threads

    async def compute(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Run work that needs the model, one at a time. Raises Busy."""
        return await self.queue(self.slot, work, *arguments)

    async def read(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Run work that only reads a capture. Raises Busy."""
        return await self.queue(self.readers, work, *arguments)

    async def queue(
        self, limiter: CapacityLimiter, work: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        """Run work in a thread as soon as the limiter has room; only so many may wait for that. Raises Busy."""
        most = self.settings.max_waiting
        if limiter.statistics().tasks_waiting >= most:
            raise Busy(f"{most} requests are waiting already: try again in a moment")
        return await to_thread.run_sync(work, *arguments, limiter=limiter)
