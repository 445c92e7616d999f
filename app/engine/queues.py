"""The queues of jobs, one for each worker pool that runs them."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from ..errors import AppError
from ..records import Progress
from ..settings import Settings
from .job import Job, Kind
from .job_queue import JobCounts, JobQueue
from .pools import Pools
from .progress import WorkProgress

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

# A job of more steps goes to the long ones: it takes seconds on most machines. The scores of GPT-2 small at 1,024
# tokens are 84 steps.
LONG_STEPS = 500


class Queues:
    """model: passes of a model; analyses: work that reads all weights of a capture, in up to LONG_STEPS, or in more."""

    def __init__(self, settings: Settings, pools: Pools, counts: JobCounts) -> None:
        self.settings = settings
        self.model = JobQueue(pools.model, settings.max_waiting, counts)
        self.analyses = JobQueue(pools.analyses, settings.max_waiting, counts)
        self.long_analyses = JobQueue(pools.long_analyses, settings.max_waiting, counts)

    def run_model(
        self,
        kind: Kind,
        key: str,
        work: Callable[[*Arguments, Progress], Result],
        *arguments: *Arguments,
        admitted: bool = False,
    ) -> Job[Result]:
        """The job of `work(*arguments, progress)`, which needs a model. Raises Busy, see `JobQueue.join`."""
        job = Job[Result](kind, f"{kind} {key}", WorkProgress(self.settings.run_seconds, "layers"))
        queue = self.model
        return queue.join(job, lambda job: queue.run(job, lambda progress: work(*arguments, progress)), admitted)

    def analyse(
        self, kind: Kind, key: str, steps: int, work: Callable[[*Arguments, Progress], Result], *arguments: *Arguments
    ) -> Job[Result]:
        """The job of work that reads many weights of a capture, in that many steps. Raises Busy."""
        queue = self.long_analyses if steps > LONG_STEPS else self.analyses
        job = Job[Result](kind, key, WorkProgress(self.settings.run_seconds))
        job.progress.on_percent = lambda percent: job.report(percent=percent)
        job.progress.expect(steps)
        return queue.join(job, lambda job: queue.run(job, lambda progress: work(*arguments, progress)))

    def stop_all(self, error: AppError) -> None:
        for queue in (self.model, self.analyses, self.long_analyses):
            queue.stop_all(error)
