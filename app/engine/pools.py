"""The worker pools of the server, by kind of work: a long analysis never delays a window of a map."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, TypeVarTuple

from ..errors import Busy, Deadline
from ..records import Progress
from ..settings import Settings
from .progress import WorkProgress
from .worker_pool import WorkerPool

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

# The longest text takes a second or two.
TOKENIZING_SECONDS = 30.0
LAST_SECONDS = 2.0


class Pools:
    """The pools of all work but loading models, see `model_cache`.

    model:         passes of a model
    readers:       short work on a capture
    thumbnails:    the pictures in event streams
    converters:    work on texts and answers: tokenizing, parsing, encoding, compressing
    tokenizers:    tokenizing for models that are not bundled: nothing can stop a tokenizer that hangs
    memory:        texts that wait for memory before a tokenizer gets them; one after the other
    analyses:      work that reads all weights of a capture
    long_analyses: the same in many steps
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.model = WorkerPool(1, settings.max_waiting)
        self.readers = WorkerPool(2, settings.max_waiting)
        self.converters = WorkerPool(2, settings.max_waiting)
        self.tokenizers = WorkerPool(2, settings.max_waiting, abandon=True)
        self.memory = WorkerPool(1, settings.max_waiting)
        self.tokenizing: set[asyncio.Timeout] = set()
        self.thumbnails = WorkerPool(1, settings.max_waiting)
        self.analyses = WorkerPool(1, settings.max_waiting)
        self.long_analyses = WorkerPool(1, settings.max_waiting)
        self.open_dumps = 0

    async def read(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Run short work on a capture. Raises Busy."""
        return await self.readers.run(work, *arguments)

    async def read_block_by_block(
        self, work: Callable[[*Arguments, Progress], Result], *arguments: *Arguments
    ) -> Result:
        """The same for work that stops at its next block when the caller is cancelled. Raises Busy, Deadline."""
        self.readers.check_room()
        return await self.readers.run_with_progress(WorkProgress(self.settings.run_seconds), work, *arguments)

    async def wait_for_memory(self, work: Callable[[*Arguments, Progress], Result], *arguments: *Arguments) -> Result:
        """Run work that waits for memory, until the caller is cancelled, however many wait."""
        return await self.memory.run_with_progress(WorkProgress(), work, *arguments)

    async def read_unbounded(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """The same for a response that has already begun, however many wait."""
        return await self.readers.run_unbounded(work, *arguments)

    async def convert(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Tokenize, parse, encode or compress. Raises Busy."""
        return await self.converters.run(work, *arguments)

    async def convert_unbounded(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """The same for a response that has already begun, however many wait."""
        return await self.converters.run_unbounded(work, *arguments)

    async def tokenize(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Tokenize for a model that is not bundled, however many wait. Raises Deadline; then the thread goes on."""
        timeout = asyncio.timeout(TOKENIZING_SECONDS)
        try:
            async with timeout:
                self.tokenizing.add(timeout)
                return await self.tokenizers.run_unbounded(work, *arguments)
        except TimeoutError:
            raise Deadline(
                f"this text could not be tokenized within {TOKENIZING_SECONDS:g} s: the tokenizer of this model is "
                "very slow, or that of another model keeps the server busy; shorten the text, or choose another model"
            ) from None
        finally:
            self.tokenizing.discard(timeout)

    def hurry_tokenizing(self) -> None:
        """For the shutdown of the server: tokenizing that goes on ends with its deadline soon."""
        soon = asyncio.get_running_loop().time() + LAST_SECONDS
        for timeout in self.tokenizing:
            if (timeout.when() or 0.0) > soon:
                timeout.reschedule(soon)

    @contextmanager
    def dumping(self) -> Iterator[None]:
        """Counts an open dump within the `with`: it holds its capture even if the cache drops it. Raises Busy."""
        if self.open_dumps >= self.settings.max_waiting:
            raise Busy(f"{self.open_dumps} dumps are being read already: try again in a moment")
        self.open_dumps += 1
        try:
            yield
        finally:
            self.open_dumps -= 1
