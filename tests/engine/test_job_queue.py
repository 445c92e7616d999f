"""Jobs wait in order, are joined, and are stopped together."""

import asyncio
import weakref

import pytest

from headscope.engine.job import Job
from headscope.engine.job_queue import JobCounts, JobQueue
from headscope.engine.worker_pool import WorkerPool
from headscope.errors import AppError, Busy, CorruptModel, Deadline, EmptyText, ModelTooLarge, ShuttingDown, TooLarge


def queue_of(max_waiting):
    return JobQueue(WorkerPool(1, max_waiting), max_waiting, JobCounts())


def started(queue, name, release):
    """A job that ends when `release` is set."""

    async def work(job):
        with queue.in_line(job):
            await release.wait()
            return "a capture"

    job = Job("run", name)
    queue.start(job, work)
    return job


def test_jobs_know_how_many_are_before_them_and_are_counted_by_outcome():
    async def scene():
        queue, first_ends, others_end = queue_of(5), asyncio.Event(), asyncio.Event()
        jobs = [started(queue, "1", first_ends), *(started(queue, name, others_end) for name in "23")]
        await asyncio.sleep(0)
        assert [job.position for job in jobs] == [0, 1, 2]
        first_ends.set()
        assert await jobs[0].result() == "a capture"
        assert [job.position for job in jobs[1:]] == [0, 1]
        others_end.set()
        await asyncio.gather(*(job.task for job in jobs))
        await asyncio.sleep(0)
        assert (queue.counts.begun, queue.counts.ended) == ({"run": 3}, {("run", "finished"): 3})
        assert queue.jobs == {}

    asyncio.run(scene())


@pytest.mark.fault(22, 40)
@pytest.mark.usefixtures("no_collector")
def test_a_job_that_is_stopped_within_a_timeout_keeps_nothing():
    class Large:
        pass

    async def work(_):
        used = Large()
        large.append(weakref.ref(used))
        timeout = asyncio.timeout(60)  # it refers to the task, and the error of the task to this frame
        async with timeout:
            await asyncio.Event().wait()

    async def scene():
        queue, job = queue_of(5), Job("run", "1")
        queue.start(job, work)
        await asyncio.sleep(0)
        job.stop(ShuttingDown("the end"))
        with pytest.raises(ShuttingDown):
            await job.result()
        await asyncio.sleep(0)
        return [each() for each in large]

    large = []
    assert asyncio.run(scene()) == [None]


def test_one_job_runs_and_only_so_many_wait():
    async def scene():
        queue, release = queue_of(1), asyncio.Event()
        jobs = [started(queue, name, release) for name in "12"]
        with pytest.raises(Busy, match="1 request is waiting"):
            started(queue, "3", release)
        release.set()
        await asyncio.gather(*(job.task for job in jobs))

    asyncio.run(scene())


@pytest.mark.fault(21)
def test_a_request_that_was_admitted_gets_its_second_job_although_the_queue_is_full_again():
    async def scene():
        queue, release = queue_of(1), asyncio.Event()
        jobs = [started(queue, name, release) for name in "12"]

        async def certify(job):
            return await queue.run(job, lambda _: "a certificate")

        with pytest.raises(Busy):
            queue.join(Job("certificate", "1 too"), certify)
        admitted = queue.join(Job("certificate", "1 too"), certify, admitted=True)
        assert queue.join(Job("certificate", "1 too"), certify) is admitted
        release.set()
        assert await admitted.result() == "a certificate"
        await asyncio.gather(*(job.task for job in jobs))

    asyncio.run(scene())


def test_a_stopped_job_is_not_joined_and_can_be_replaced_before_it_ends():
    async def scene():
        queue, release = queue_of(5), asyncio.Event()
        job = started(queue, "1", release)
        assert queue.find("1") is job
        queue.stop_all(ShuttingDown("the server is shutting down"))
        assert queue.find("1") is None
        replacement = started(queue, "1", release)
        with pytest.raises(ShuttingDown):
            await job.result()
        await asyncio.sleep(0)
        assert queue.find("1") is replacement
        assert queue.counts.ended == {("run", "stopped"): 1}
        release.set()
        await replacement.result()

    asyncio.run(scene())


@pytest.mark.fault(22)
def test_a_client_that_joins_while_the_last_one_leaves_keeps_the_job():
    async def scene():
        queue, release = queue_of(1), asyncio.Event()
        job = started(queue, "1", release)
        with job.followed():
            joined = asyncio.create_task(queue.find("1").follow())  # it counts itself when the loop starts it
        release.set()
        assert await joined == "a capture"

    asyncio.run(scene())


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Busy("no memory"), "refused"),
        (TooLarge("never fits"), "refused"),
        (EmptyText(), "refused"),
        (CorruptModel(), "refused"),
        (ModelTooLarge(), "refused"),
        (Deadline(), "deadline"),
        (ValueError("a bug"), "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_refusal_is_not_counted_as_a_failure(error, outcome):
    async def work(job):
        raise error

    async def scene():
        queue = queue_of(1)
        job = Job("run", "1")
        queue.start(job, work)
        with pytest.raises(AppError):  # a bug too is answered as one
            await job.follow()
        assert queue.counts.ended == {("run", outcome): 1}

    asyncio.run(scene())
