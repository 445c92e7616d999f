"""All state of the server: loaded models, cached captures, running jobs, and the worker pools."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from ..capture.cost import Cost, cost_of, operations, pace_of
from ..errors import ShuttingDown
from ..records import ModelCard, Prompt, TokenizedPrompt, check_pair
from ..settings import Settings
from .capture_cache import CaptureCache
from .capture_job import CaptureJob
from .capture_work import CaptureWork, PreparedPrompt
from .event_space import bytes_of_events, space_of_events
from .job_queue import JobCounts
from .ledger import Ledger
from .limits import bytes_of_text, check_texts
from .model_cache import ModelCache
from .more_passes import MorePasses
from .pools import Pools
from .queues import Queues
from .shared_bytes import SharedBytesStore
from .slow_readers import SlowReaders
from .tokenizing import tokenize

# Importing torch and transformers takes seconds. It happens in a worker thread, with the first model: the server
# listens and the page is on the screen before that.
if TYPE_CHECKING:
    from ..capture.capture import Capture
    from ..models.loading import LoadedModel

log = logging.getLogger(__name__)

SWEEP_SECONDS = 60


class Runner:
    """Runs prompts and analyses. Raises ModelNotFound if the default model does not exist.

    speed:    operations per second of the fastest run so far; 0 before the first
    stopping: True once the server is shutting down
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.counts = JobCounts()
        self.models = ModelCache(settings, self.counts)
        self.models.listing.catalogue.lookup(settings.model)
        self.ledger = Ledger(settings.max_capture_bytes, settings.max_captures)
        self.captures = CaptureCache(settings.capture_seconds)
        self.ledger.make_room.append(self.captures.drop_one)
        self.slow_readers = SlowReaders()
        self.ledger.on_shortage.append(self.slow_readers.end_longest)
        self.shared = SharedBytesStore(self.ledger)
        self.spaces: WeakValueDictionary[tuple[str, int], Ledger] = WeakValueDictionary()
        self.pools = Pools(settings)
        self.queues = Queues(settings, self.pools, self.counts)
        keep = settings.capture_dtype
        self.passes = MorePasses(self.models, self.queues, self.ledger, self.captures, keep)
        self.work = CaptureWork(self.ledger, settings, self.cost)
        self.speed = 0.0
        self.stopping = False

    async def model(self, model_id: str | None) -> "LoadedModel":
        """The loaded model. Raises ModelNotFound, ModelRefused and the errors of a download."""
        return await self.models.model(model_id)

    # Captures

    async def prepare(self, prompt: Prompt) -> PreparedPrompt:
        """Raises what `model` raises, EmptyText, TextTooLong, PairNotSupported, and Busy rather than load a model for
        a full queue. What is wrong with the prompt comes first: trying again later would not help."""
        check_texts(prompt, self.settings.max_characters)
        model = self.models.loaded(prompt.model)
        if model is None:
            check_pair(prompt.text_pair, (await self.models.card_of(prompt.model)).pairs)
            self.queues.model.check_room("run")
            model = await self.model(prompt.model)
        return self.with_id(prompt, model)

    def with_id(self, prompt: Prompt, model: "LoadedModel") -> PreparedPrompt:
        """Raises PairNotSupported, TargetNotSupported."""
        from ..capture.capture import capture_id

        check_pair(prompt.text_pair, model.card.pairs)
        model.card.check_target(prompt.target)
        options = self.settings.capture_dtype, self.settings.max_written
        return PreparedPrompt(prompt, model, capture_id(model.card, prompt, *options))

    def check_room_for(self, prompt: Prompt) -> None:
        """The same as `prepare` and `check_room` without waiting: does nothing if the model is not loaded.

        Raises EmptyText, TextTooLong, PairNotSupported, and Busy.
        """
        check_texts(prompt, self.settings.max_characters)
        model = self.models.loaded(prompt.model)
        if model is not None:
            self.check_room(self.with_id(prompt, model))

    async def tokenize(self, prepared: PreparedPrompt) -> TokenizedPrompt:
        """The tokens of the prompt, without running it. Raises TooManyTokens, PairNotSupported, Busy, Deadline."""
        cached = self.captures.find(prepared.capture_id)
        if cached is not None:
            capture = cached.capture
            return TokenizedPrompt(prepared.prompt, capture.tokens, capture.dropped, capture.target)
        return await self.tokenize_new(prepared, admitted=False)

    async def tokenize_new(self, prepared: PreparedPrompt, *, admitted: bool) -> TokenizedPrompt:
        """The same for a text that is not captured; see `tokenizing.tokenize`."""
        model, prompt = prepared.model, prepared.prompt
        return await tokenize(self.pools, self.ledger, model, prompt, self.settings, admitted=admitted)

    async def capture(
        self, prepared: PreparedPrompt, tokenized: TokenizedPrompt | None = None
    ) -> "tuple[Capture, bool]":
        """The capture, and whether it is new. `tokenized` saves tokenizing again. Raises what the job ends with."""
        job, new = await self.start(prepared, tokenized)
        return await job.follow(), new

    def check_room(self, prepared: PreparedPrompt, verify: bool = False) -> None:
        """Raises Busy if the prompt, or its certificate, would wait in a full queue: called before it is tokenized."""
        known = self.captures.find(prepared.capture_id) or self.queues.model.find(prepared.capture_id)
        if verify or not known:
            self.queues.model.check_room("run")

    async def start(
        self, prepared: PreparedPrompt, tokenized: TokenizedPrompt | None = None, cells: int | None = None
    ) -> tuple[CaptureJob, bool]:
        """The job of that prompt, and whether it is new: a running job of the same prompt is joined.

        cells: of the thumbnails, if the caller streams the events of the job; 0 if it describes the capture only
        Raises Busy, and TooLarge if the events of a cached capture can never fit beside it.
        """
        cached = self.captures.find(prepared.capture_id)
        if cached is not None:
            job = CaptureJob.finished(cached.read(), cached.thumbnails)
            job.space = self.shared_space(cached.capture, cells)
            return job, False
        new = CaptureJob.of(prepared.capture_id, prepared.model.card, self.settings.run_seconds)
        job = self.queues.model.join(new, partial(self.run_job, prepared, tokenized))
        job.wanted.add(cells)
        return job, job is new

    def shared_space(self, capture: "Capture", cells: int | None) -> Ledger | None:
        """Streams of one cached capture share the space of its events. Raises TooLarge, Busy."""
        if cells is None:
            return None
        space = self.spaces.get((capture.id, cells))
        if space is None:
            described = TokenizedPrompt(Prompt(""), capture.tokens, capture.dropped, capture.target)
            size = bytes_of_events(capture.card, described, {cells}, capture.bytes, self.ledger.max_bytes)
            space = space_of_events(self.ledger, size, capture.bytes)
            if space is not None:
                self.spaces[capture.id, cells] = space
        return space

    async def run_job(self, prepared: PreparedPrompt, tokenized: TokenizedPrompt | None, job: CaptureJob) -> "Capture":
        queue = self.queues.model
        with queue.in_line(job):
            if tokenized is None and prepared.model.card.source != "bundled":
                # It could hang, and in the worker it would stop all models.
                tokenized = await self.tokenize_new(prepared, admitted=True)
            work = partial(self.work.run, prepared, tokenized, job)
            capture = await queue.run_in_turn(job, work)
        self.speed = max(self.speed, pace_of(operations_of(capture), job.progress.elapsed))
        self.captures.add(capture, job.thumbnails)
        size = len(capture.tokens) + len(capture.tokens_of("target"))
        log.info("captured %s: %d tokens by %s, %d bytes", capture.id, size, capture.card.id, capture.bytes)
        return capture

    def stop_jobs(self) -> None:
        """For the shutdown of the server."""
        self.queues.stop_all(
            ShuttingDown("the server is shutting down before this run has finished: send it again later")
        )

    def stop_loads(self) -> None:
        """For the shutdown of the server. A download continues the next time."""
        self.models.stop_all(ShuttingDown("the server is shutting down before this model is loaded: try again later"))

    async def sweep(self) -> None:
        """Drop expired captures, and look for changed files of models, once a minute, until cancelled."""
        while True:
            await self.models.refresh()
            self.captures.drop_expired()
            await asyncio.sleep(SWEEP_SECONDS)

    # Estimates

    def cost(self, card: ModelCard, tokenized: TokenizedPrompt, wanted: Iterable[int | None]) -> Cost:
        """Memory and time of a capture of these tokens, with the settings and the speed of this server.

        wanted: see `bytes_of_events`. A run is admitted by this cost, so an estimate of the same is right.
        """
        sizes, keep = (len(tokenized.tokens), tokenized.target_length), self.settings.capture_dtype
        limit, text = self.ledger.max_bytes, bytes_of_text(tokenized)
        seconds = operations(card, *sizes) / self.speed if self.speed else None
        max_tokens = min(filter(None, (card.max_tokens, self.settings.max_tokens)))
        cost = cost_of(
            card, *sizes, keep=keep, writes=tokenized.to_write > 0,
            limit=limit, seconds=seconds, max_tokens=max_tokens, text=text,
        )  # fmt: skip
        return replace(cost, events=bytes_of_events(card, tokenized, wanted, cost.kept, limit))

    async def estimate(self, prompt: Prompt, cells: int) -> tuple[ModelCard, Cost]:
        """The cost of a capture with an event stream of that many cells."""
        prepared = await self.prepare(prompt)
        card = prepared.model.card
        return card, self.cost(card, await self.tokenize(prepared), {cells})


def operations_of(capture: "Capture") -> float:
    return operations(capture.card, len(capture.tokens), len(capture.tokens_of("target")))
