"""Work for which there is no memory lets those behind it go first: they may hold what it waits for."""

import asyncio

import pytest

from headscope.engine.job import Job
from headscope.engine.job_queue import JobCounts, JobQueue
from headscope.engine.ledger import Ledger
from headscope.engine.progress import WorkProgress
from headscope.engine.worker_pool import WorkerPool
from headscope.errors import Busy

pytestmark = pytest.mark.fault(21, 40, 50)


class World:
    """A queue of jobs with 10 bytes of memory; `tries` has the name of each job each time that it is tried."""

    def __init__(self, seconds):
        self.queue, self.ledger, self.tries = JobQueue(WorkerPool(1, 9), 9, JobCounts()), Ledger(10, 99), []
        self.ledger.job_seconds = seconds

    def start(self, name, size, holds=None):
        """A job that needs `size` bytes while it works, and holds something until it has ended."""

        def work(progress):
            self.tries.append(name)
            with self.ledger.reserve_for_job(progress, "norms", size, name, "wait"):
                return name

        async def in_line(job):
            try:
                return await self.queue.run(job, work)
            finally:
                if holds:
                    holds.release()

        return self.queue.join(Job("norms", name, WorkProgress()), in_line)


async def ends(*jobs):
    return await asyncio.gather(*(job.task for job in jobs), return_exceptions=True)


def test_memory_that_a_job_behind_holds_is_released_by_it():
    async def scene():
        world = World(seconds=60)
        held = world.ledger.reserve("captures", 8, "the capture of the second")
        jobs = [world.start("first", 5), world.start("second", 1, held)]
        found = await asyncio.wait_for(ends(*jobs), 30)
        return found, world.tries

    found, tries = asyncio.run(scene())
    assert found == ["first", "second"]
    assert tries == ["first", "second", "first"]


def test_jobs_that_get_no_memory_wait_together_and_not_one_after_the_other():
    async def scene():
        world = World(seconds=1)
        with world.ledger.reserve("answers", 10, "the answer of another"):
            jobs = [world.start(name, 1) for name in "abc"]
            found = await asyncio.wait_for(ends(*jobs), 30)
        return found, world.tries

    found, tries = asyncio.run(scene())
    assert [type(error) for error in found] == [Busy] * 3
    assert tries[:3] == ["a", "b", "c"]  # nobody has been refused before each was tried


def test_work_that_needs_no_memory_is_not_kept_waiting_by_work_that_gets_none():
    async def scene():
        world = World(seconds=60)
        with world.ledger.reserve("answers", 10, "the answer of another"):
            short, free = world.start("short", 1), world.start("free", 0)
            first = await asyncio.wait_for(free.task, 30)
            waiting = not short.task.done()
        return first, waiting, await asyncio.wait_for(short.task, 30)

    assert asyncio.run(scene()) == ("free", True, "short")


def test_a_job_alone_waits_in_its_worker():
    async def scene():
        world = World(seconds=60)
        held = world.ledger.reserve("answers", 10, "the answer of another")
        job = world.start("a", 1)
        while world.queue.pool.workers.borrowed_tokens == 0 or not world.tries:  # noqa: ASYNC110 - a thread does it
            await asyncio.sleep(0.01)
        held.release()
        return await asyncio.wait_for(job.task, 30), world.tries

    assert asyncio.run(scene()) == ("a", ["a"])
