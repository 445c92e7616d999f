"""The only state: the shelf of models, and captures; one forward at a time, never on the event loop."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from ..capture.cost import Cost, bytes_kept, operations, pace_of
from ..errors import Busy, EmptyText, Stopped, Stopping, TextTooLong, TooLarge
from ..records import ModelCard
from ..settings import Settings
from .capture_cache import Captures
from .job import Making, Watch
from .model_cache import Shelf
from .worker_pool import GoOn, Threads, busy

# torch and transformers take seconds to import. They come with the first model, in a worker thread:
# the port is bound and the page on the screen before that.
if TYPE_CHECKING:
    from ..analysis.induction import Probed
    from ..analysis.norms import Grams
    from ..capture.capture import Capture
    from ..capture.certificate import Certificate
    from ..models.loading import LoadedModel

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


SWEEP_SECONDS = 60
# Of a study: seconds of work, on most machines. Scores of a GPT-2 small and 1,024 tokens take 84.
LONG_STEPS = 500


class Runner:
    """Loads each model once, runs one forward at a time, keeps captures within a number of bytes.

    Raises ModelNotFound where there is no such default model.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.shelf = Shelf(settings)
        self.shelf.catalogue.lookup(settings.model)
        self.captures = Captures(settings.max_capture_bytes, settings.capture_seconds)
        self.slot = Threads(1, settings.max_waiting)
        self.readers = Threads(2, settings.max_waiting)
        self.analysts = Threads(1, settings.max_waiting)
        self.long_studies = Threads(1, settings.max_waiting)
        self.norming = asyncio.Lock()
        self.making: dict[str, Making] = {}
        self.line: list[Making] = []
        # Operations per second of the quickest run so far.
        self.pace = 0.0
        self.dumps = 0
        self.stopping = False  # for who asks whether this server is to be asked for anything
        self.runs_begun = 0
        self.runs_ended: Counter[str] = Counter()

    async def model(self, model_id: str | None) -> "LoadedModel":
        """The loaded model. Raises ModelNotFound, ModelRefused and what a download can meet."""
        return await self.shelf.model(model_id)

    # Captures

    async def capture(
        self, text: str, text_pair: str | None, model_id: str | None, truncate: bool = False
    ) -> "tuple[Capture, bool]":
        """The capture of that text, and whether it had to be made. Raises what its input deserves."""
        making, new = await self.begin(text, text_pair, model_id, truncate)
        with making.followed():
            return await making.end(), new

    async def begin(
        self, text: str, text_pair: str | None, model_id: str | None, truncate: bool = False
    ) -> tuple[Making, bool]:
        """The run of that text, begun now unless it has been; whoever asks for it while it lasts joins it."""
        model = await self.model(model_id)
        self.check_texts(text, text_pair)

        from ..capture.capture import capture_id

        wanted = capture_id(model.card, text, text_pair, truncate, self.settings.capture_dtype)
        kept = self.captures.find(wanted)
        if kept is not None:
            return Making.of(kept.capture, kept.small), False
        making = self.making.get(wanted)
        if making is not None and not making.stopped.is_set():
            return making, False
        if len(self.making) > self.settings.max_waiting:  # one of them runs
            raise busy(self.settings.max_waiting)
        making = self.making[wanted] = Making(model.card)
        self.runs_begun += 1
        making.begin(asyncio.create_task(self.make(making, model, text, text_pair, truncate)))
        making.task.add_done_callback(lambda _: self.leave(wanted, making))
        return making, True

    def stop_runs(self) -> None:
        """For a server that ends: whoever waits for a run is told so."""
        for making in list(self.making.values()):
            making.stop(Stopping("this server stops before it is done with the text: send it again in a moment"))

    def leave(self, wanted: str, making: Making) -> None:
        """A run that was stopped may have been begun anew before it had ended."""
        if self.making.get(wanted) is making:
            del self.making[wanted]
        self.runs_ended[making.how] += 1  # its exception is looked at, also where nobody waits for it any more

    async def make(
        self, making: Making, model: "LoadedModel", text: str, text_pair: str | None, truncate: bool
    ) -> "Capture":
        from ..capture.capture import run

        with self.in_line(making):
            watch = Watch(making, self.settings.run_seconds, partial(self.cost, model.card))
            most, keep = self.settings.max_tokens, self.settings.capture_dtype
            made = await self.compute(run, model, text, text_pair, most, truncate, watch, keep)
        self.pace = max(self.pace, pace_of(made.card, len(made.tokens), monotonic() - watch.begun))
        self.captures.keep(made, making.small)
        log.info("captured %s: %d tokens by %s, %d bytes", made.id, len(made.tokens), made.card.id, made.bytes)
        return made

    @contextmanager
    def in_line(self, making: Making) -> Iterator[None]:
        """Within the `with`, it knows how many runs go before it."""
        self.line.append(making)
        making.update(position=len(self.line) - 1)
        try:
            yield
        finally:
            self.line.remove(making)
            for position, other in enumerate(self.line):
                other.update(position=position)

    def cost(self, card: ModelCard, tokens: int) -> Cost:
        """What a text of so many tokens takes, by what this server keeps and by how fast it was so far."""
        needed = bytes_kept(card, tokens, self.settings.capture_dtype)
        seconds = operations(card, tokens) / self.pace if self.pace else None
        most = min(filter(None, (card.max_tokens, self.settings.max_tokens)))
        return Cost(tokens, needed, self.settings.max_capture_bytes, seconds, most)

    async def sweep(self) -> None:
        """Let go of what has expired, also while nobody asks for anything; runs until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.captures.expire()

    async def measure(
        self, text: str, text_pair: str | None, model_id: str | None, truncate: bool = False
    ) -> tuple[ModelCard, int]:
        """The card of the model, and how many tokens it makes of the text, before anything is run."""
        model = await self.model(model_id)
        self.check_texts(text, text_pair)
        tokenize = partial(model.tokens, text, text_pair, self.settings.max_tokens, truncate=truncate)
        tokens, _ = await self.read(tokenize)
        return model.card, len(tokens)

    async def estimate(
        self, text: str, text_pair: str | None, model_id: str | None, truncate: bool = False
    ) -> tuple[ModelCard, Cost]:
        card, tokens = await self.measure(text, text_pair, model_id, truncate)
        return card, self.cost(card, tokens)

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
        """Compared with Hugging Face's. A caller that leaves stops it as it would a run; it has the same deadline."""
        from ..capture.certificate import certify

        model, making = await self.model(capture.card.id), Making(capture.card)
        try:
            watch = Watch(making, self.settings.run_seconds, partial(self.cost, capture.card))
            return await self.compute(certify, model, capture, watch)
        finally:
            making.stop(Stopped("nobody waits for this certificate any more"))

    async def grams(self, capture: "Capture") -> "Grams":
        """What the norms of a capture are made of, from one more run, which a caller that leaves stops; then kept with
        the capture. Raises TooLarge where there is no room for them, Busy, Deadline, Stopped."""
        from ..analysis.norms import bytes_of_grams
        from ..analysis.norms import grams as work

        needed, most = capture.bytes + bytes_of_grams(capture), self.settings.max_capture_bytes
        if needed > most:
            raise TooLarge(
                f"with its norms the capture takes {needed:,} bytes, HEADSCOPE_MAX_CAPTURE_BYTES is {most:,}: "
                "shorten the text, or raise it"
            )
        async with self.norming:  # whoever asks meanwhile finds them
            kept = self.captures.find(capture.id)
            if kept is not None and kept.grams:
                return kept.grams
            model = await self.model(capture.card.id)
            found = await self.slot.run_stoppable(self.settings.run_seconds, work, model, capture)
            self.captures.add_grams(capture, found)
            return found

    async def probe(self, model_id: str | None) -> "tuple[ModelCard, Probed]":
        """The standard probe of a model, which has nothing to do with any text; a caller that leaves stops it."""
        from ..analysis.induction import probe as work

        model = await self.model(model_id)
        return model.card, await self.slot.run_stoppable(self.settings.run_seconds, work, model)

    # Threads

    async def compute(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Run work that needs the model, one at a time. Raises Busy."""
        return await self.slot.run(work, *arguments)

    async def read(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Run work that only reads a capture. Raises Busy."""
        return await self.readers.run(work, *arguments)

    async def analyse(
        self,
        steps: int,
        work: Callable[[*Arguments, GoOn], Result],
        *arguments: *Arguments,
    ) -> Result:
        """Run work that reads all weights of a capture, one at a time. Its last argument is `go_on`, which it asks
        before each of so many steps: what takes long waits for its like, and nobody else for it.

        Raises Busy, Stopped, Deadline.
        """
        threads = self.long_studies if steps > LONG_STEPS else self.analysts
        return await threads.run_stoppable(self.settings.run_seconds, work, *arguments)

    async def read_on(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """The same for who has begun to answer, and waits however many do."""
        return await self.readers.run_on(work, *arguments)

    @contextmanager
    def dumping(self) -> Iterator[None]:
        """Within the `with`, a client is reading a dump, of a capture that may be gone for all others. Raises Busy."""
        if self.dumps >= self.settings.max_waiting:
            raise Busy(f"{self.dumps} dumps are being read already: try again in a moment")
        self.dumps += 1
        try:
            yield
        finally:
            self.dumps -= 1
