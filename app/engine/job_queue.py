"""The jobs that wait for a worker pool or run in it: in order of arrival, each only once, bounded in number."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import INTERNAL, AppError
from ..records import Progress
from .job import Job, Kind
from .progress import StepAside
from .worker_pool import WorkerPool, queue_full

Result = TypeVar("Result")
AnyJob = TypeVar("AnyJob", bound=Job[Any])

log = logging.getLogger(__name__)

SECONDS_ASIDE = 0.1  # before work for which there was no memory is tried again


class JobCounts:
    """Counted for /metrics since the server started: jobs that began, ended by outcome, and found a full queue."""

    def __init__(self) -> None:
        self.begun: Counter[Kind] = Counter()
        self.ended: Counter[tuple[Kind, str]] = Counter()
        self.refused: Counter[Kind] = Counter()


class JobQueue:
    """At most `max_waiting` jobs wait, besides those that the pool runs; further ones raise Busy."""

    def __init__(self, pool: WorkerPool, max_waiting: int, counts: JobCounts) -> None:
        self.pool, self.max_waiting, self.counts = pool, max_waiting, counts
        self.jobs: dict[str, Job[Any]] = {}
        self.order: list[Job[Any]] = []

    def find(self, key: str) -> Job[Any] | None:
        """The job with that key, unless it is being stopped."""
        job = self.jobs.get(key)
        return job if job is not None and job.progress.error is None else None

    @property
    def is_full(self) -> bool:
        return len(self.jobs) >= self.max_waiting + self.pool.size

    def check_room(self, kind: Kind) -> None:
        """Raises Busy. Called before anything is done for a new job, so that a refusal costs little."""
        if self.is_full:
            self.counts.refused[kind] += 1
            raise queue_full(self.max_waiting)

    def join(self, job: AnyJob, work: Callable[[AnyJob], Coroutine[Any, Any, Any]], admitted: bool = False) -> AnyJob:
        """The job with the same key that waits or runs already, or else this one, which is started.

        Raises Busy, unless the request was `admitted` before: what is accepted is finished.
        """
        found: Any = self.find(job.key)
        if found is None:
            (self.begin if admitted else self.start)(job, work)
        return found or job

    def start(self, job: AnyJob, work: Callable[[AnyJob], Coroutine[Any, Any, Any]]) -> None:
        """Raises Busy."""
        self.check_room(job.kind)
        self.begin(job, work)

    def begin(self, job: AnyJob, work: Callable[[AnyJob], Coroutine[Any, Any, Any]]) -> None:
        self.jobs[job.key] = job
        self.counts.begun[job.kind] += 1
        task = asyncio.create_task(without_bugs(job.kind, lambda: work(job)))
        job.start(task)
        task.add_done_callback(lambda _: self.remove(job))

    def remove(self, job: Job[Any]) -> None:
        if self.jobs.get(job.key) is job:  # a stopped job may have been replaced before its thread ended
            del self.jobs[job.key]
        self.counts.ended[job.kind, job.outcome] += 1

    async def run(self, job: Job[Any], work: Callable[[Progress], Result]) -> Result:
        """The result of `work`, once a worker is free. Until it has ended, `job.position` is kept up to date."""
        with self.in_line(job):
            return await self.run_in_turn(job, work)

    async def run_in_turn(self, job: Job[Any], work: Callable[[Progress], Result]) -> Result:
        """The same within `in_line`. Work for which there is no memory goes to the end of the line and is tried again:
        jobs that wait behind it may hold that memory, such as the captures of which they compute norms."""
        job.progress.others_wait = lambda: len(self.order) > self.pool.size
        while True:
            try:
                return await self.pool.run_with_progress(job.progress, work)
            except StepAside:
                self.order.remove(job)
                self.order.append(job)
                self.tell_positions()
            await asyncio.sleep(SECONDS_ASIDE)

    def tell_positions(self) -> None:
        for position, other in enumerate(self.order):
            if other.position != position:
                other.update(position=position)

    @contextmanager
    def in_line(self, job: Job[Any]) -> Iterator[None]:
        """Within the `with`, `job.position` says how many jobs are before it."""
        self.order.append(job)
        job.update(position=len(self.order) - 1)
        try:
            yield
        finally:
            self.order.remove(job)
            self.tell_positions()

    def stop_all(self, error: AppError) -> None:
        for job in list(self.jobs.values()):
            job.stop(error)


async def without_bugs(kind: Kind, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """The result of the work. A bug is logged here, once however many clients wait; each gets an internal error."""
    try:
        return await work()
    except AppError:
        raise
    except Exception as error:
        log.exception("a job ended with a bug: %s", kind)
        raise AppError(INTERNAL) from error
