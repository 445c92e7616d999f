import asyncio
import weakref
from threading import Event

import pytest
import torch
from anyio.from_thread import start_blocking_portal

from headscope.engine.progress import WorkProgress
from headscope.engine.worker_pool import WorkerPool
from headscope.errors import Busy, ClientsGone


def run(scene):
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with start_blocking_portal() as portal:
        portal.call(scene)


async def until(true):
    while not true():  # noqa: ASYNC110 - it becomes true in another thread
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("workers", [1, 2])
def test_calls_beyond_the_workers_wait_and_calls_beyond_the_queue_are_refused(workers):
    async def scene():
        pool, release = WorkerPool(workers, 2), Event()
        running = [asyncio.create_task(pool.run(release.wait)) for _ in range(workers + 2)]
        await until(lambda: pool.waiting == 2)
        with pytest.raises(Busy, match="2 requests"):
            await pool.run(release.wait)
        release.set()
        await asyncio.gather(*running)
        assert pool.waiting == 0
        assert await pool.run(lambda: "free again") == "free again"

    run(scene)


def test_a_response_that_has_begun_is_not_refused():
    async def scene():
        pool, release = WorkerPool(1, 1), Event()
        running = [asyncio.create_task(pool.run(release.wait)) for _ in range(2)]
        await until(lambda: pool.waiting == 1)
        begun = asyncio.create_task(pool.run_unbounded(lambda: "done"))
        await until(lambda: pool.waiting == 2)
        release.set()
        assert await begun == "done"
        await asyncio.gather(*running)

    run(scene)


def test_the_worker_of_a_cancelled_call_is_free_only_when_its_thread_has_ended():
    async def scene():
        pool, begun, release, log = WorkerPool(1, 2), Event(), Event(), []

        def slow():
            begun.set()
            release.wait()
            log.append("the first has ended")

        first = asyncio.create_task(pool.run(slow))
        await until(begun.is_set)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        second = asyncio.create_task(pool.run(log.append, "the second has begun"))
        await asyncio.sleep(0.1)
        release.set()
        await second
        assert log == ["the first has ended", "the second has begun"]

    run(scene)


def test_a_call_that_is_cancelled_while_waiting_never_runs():
    async def scene():
        pool, release, log = WorkerPool(1, 2), Event(), []
        running = asyncio.create_task(pool.run(release.wait))
        waiting = asyncio.create_task(pool.run(log.append, "never"))
        await until(lambda: pool.waiting == 1)
        waiting.cancel()
        await until(lambda: pool.waiting == 0)
        release.set()
        await running
        assert await pool.run(lambda: "next") == "next"
        assert log == []

    run(scene)


def test_an_exception_of_the_work_is_raised():
    async def scene():
        with pytest.raises(ZeroDivisionError):
            await WorkerPool(1, 1).run(lambda: 1 // 0)

    run(scene)


@pytest.mark.fault(28, 40)
@pytest.mark.usefixtures("no_collector")
def test_an_error_keeps_nothing_that_the_work_used():
    class Large:
        pass

    def fail():
        large.append(weakref.ref(used := Large()))
        raise ZeroDivisionError(used is None)

    async def scene():
        with pytest.raises(ZeroDivisionError):
            await WorkerPool(1, 1).run(fail)

    large = []
    run(scene)
    assert [each() for each in large] == [None]


def test_a_panic_of_a_library_becomes_an_exception():
    class PanicException(BaseException):
        """As pyo3 raises it for a panic in Rust."""

    def panic():
        raise PanicException("called `Option::unwrap()` on a `None` value")

    async def scene():
        pool = WorkerPool(1, 1)
        with pytest.raises(RuntimeError, match="PanicException in a worker thread: called"):
            await pool.run(panic)
        assert await pool.run(lambda: "the worker is free again") == "the worker is free again"

    run(scene)


def test_cancelling_the_caller_stops_the_work_at_its_next_check():
    async def scene():
        pool, begun, errors = WorkerPool(1, 1), Event(), []

        def endless(progress):
            begun.set()
            try:
                while True:
                    progress.check()
            except ClientsGone as error:
                errors.append(error)

        call = asyncio.create_task(pool.run_with_progress(WorkProgress(), endless))
        await until(begun.is_set)
        call.cancel()
        await until(lambda: errors)

    run(scene)


@pytest.mark.fault(40, 46)
@pytest.mark.parametrize(
    "work",
    [
        lambda: torch.empty(2**60),  # the error of torch itself
        lambda: bytearray(2**62),
        lambda: fail(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")),
    ],
)
def test_work_for_which_there_is_no_memory_is_refused_as_busy(work):
    async def scene():
        with pytest.raises(Busy, match="this machine has not enough memory for that now: shorten the text"):
            await WorkerPool(1, 2).run(work)
        with pytest.raises(RuntimeError, match="other"):
            await WorkerPool(1, 2).run(lambda: fail(RuntimeError("other")))

    run(scene)


def fail(error):
    raise error
