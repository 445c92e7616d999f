import asyncio
from threading import Event

import pytest
from anyio.from_thread import start_blocking_portal

from headscope.engine.worker_pool import Threads
from headscope.errors import Busy


def run(scene):
    # In a thread of its own: the browser tests leave an event loop running in this one.
    with start_blocking_portal() as portal:
        portal.call(scene)


async def until(true):
    while not true():  # noqa: ASYNC110 - what it waits for happens in a thread
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("at_once", [1, 2])
def test_so_many_run_so_many_wait_and_one_more_is_sent_away(at_once):
    async def crowd():
        threads, release = Threads(at_once, 2), Event()
        running = [asyncio.create_task(threads.run(release.wait)) for _ in range(at_once + 2)]
        await until(lambda: threads.waiting == 2)
        with pytest.raises(Busy, match="2 requests"):
            await threads.run(release.wait)
        release.set()
        await asyncio.gather(*running)
        assert threads.waiting == 0
        assert await threads.run(lambda: "free again") == "free again"

    run(crowd)


def test_who_has_begun_to_answer_is_not_sent_away():
    async def crowd():
        threads, release = Threads(1, 1), Event()
        running = [asyncio.create_task(threads.run(release.wait)) for _ in range(2)]
        await until(lambda: threads.waiting == 1)
        begun = asyncio.create_task(threads.run_on(lambda: "done"))
        await until(lambda: threads.waiting == 2)
        release.set()
        assert await begun == "done"
        await asyncio.gather(*running)

    run(crowd)


def test_the_place_of_who_was_cancelled_is_free_only_once_the_thread_has_ended():
    async def scene():
        threads, begun, release, said = Threads(1, 2), Event(), Event(), []

        def slow():
            begun.set()
            release.wait()
            said.append("the first has ended")

        first = asyncio.create_task(threads.run(slow))
        await until(begun.is_set)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        second = asyncio.create_task(threads.run(said.append, "the second has begun"))
        await asyncio.sleep(0.1)
        release.set()
        await second
        assert said == ["the first has ended", "the second has begun"]

    run(scene)


def test_who_is_cancelled_while_waiting_leaves_the_line():
    async def scene():
        threads, release, said = Threads(1, 2), Event(), []
        running = asyncio.create_task(threads.run(release.wait))
        waiting = asyncio.create_task(threads.run(said.append, "never"))
        await until(lambda: threads.waiting == 1)
        waiting.cancel()
        await until(lambda: threads.waiting == 0)
        release.set()
        await running
        assert await threads.run(lambda: "next") == "next"
        assert said == []

    run(scene)


def test_what_is_raised_comes_out():
    async def scene():
        with pytest.raises(ZeroDivisionError):
            await Threads(1, 1).run(lambda: 1 // 0)

    run(scene)
