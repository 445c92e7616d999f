"""The jobs that wait or run: each capture is made once, one at a time, in order of arrival."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import AppError
from .job import Job
from .worker_pool import queue_full

if TYPE_CHECKING:
    from ..capture.capture import Capture


class JobQueue:
    """started, outcomes: counted for /metrics since the server started."""

    def __init__(self, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self.jobs: dict[str, Job] = {}
        self.order: list[Job] = []
        self.started = 0
        self.outcomes: Counter[str] = Counter()

    def find(self, capture_id: str) -> Job | None:
        """The job of that capture, unless it is being stopped."""
        job = self.jobs.get(capture_id)
        return job if job is not None and job.progress.error is None else None

    def start(self, job: Job, work: "Callable[[Job], Coroutine[Any, Any, Capture]]") -> None:
        """Raises Busy."""
        if len(self.jobs) > self.max_waiting:  # one of them runs
            raise queue_full(self.max_waiting)
        self.jobs[job.id] = job
        self.started += 1
        task = asyncio.create_task(work(job))
        job.start(task)
        task.add_done_callback(lambda _: self.remove(job))

    def remove(self, job: Job) -> None:
        if self.jobs.get(job.id) is job:  # a stopped job may have been replaced before its thread ended
            del self.jobs[job.id]
        self.outcomes[job.outcome] += 1  # this also retrieves the exception, which nobody may be waiting for

    @contextmanager
    def in_line(self, job: Job) -> Iterator[None]:
        """Within the `with`, `job.position` says how many jobs run before it."""
        self.order.append(job)
        job.update(position=len(self.order) - 1)
        try:
            yield
        finally:
            self.order.remove(job)
            for position, other in enumerate(self.order):
                other.update(position=position)

    def stop_all(self, error: AppError) -> None:
        for job in list(self.jobs.values()):
            job.stop(error)
