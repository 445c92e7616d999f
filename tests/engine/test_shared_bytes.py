"""Bytes that many clients read: made once, in memory once, and counted until the last has read them."""

import asyncio

import pytest

from headscope.engine.ledger import Ledger
from headscope.engine.shared_bytes import SharedBytesStore
from headscope.errors import Busy, ClientsGone, TooLarge

SIZE = 100_000


class Made:
    """Work that waits for `go`, and counts how often it began."""

    def __init__(self, data=b"x" * 70_000):
        self.data, self.begun, self.go, self.progress = data, 0, asyncio.Event(), None

    async def __call__(self, progress):
        self.begun += 1
        self.progress = progress
        await self.go.wait()
        if isinstance(self.data, Exception):
            raise self.data
        return self.data


def run(scene, max_bytes=1_000_000):
    async def main():
        ledger = Ledger(max_bytes, 10)
        await scene(ledger, SharedBytesStore(ledger))

    asyncio.run(main())


@pytest.mark.fault(40)
def test_readers_at_once_share_one_work_and_one_copy_which_is_held_until_the_last_has_read_it():
    async def scene(ledger, store):
        work = Made()
        readers = [asyncio.create_task(store.get("a", SIZE, work)) for _ in range(250)]
        await asyncio.sleep(0.01)
        assert ledger.bytes("streams") == SIZE
        work.go.set()
        first, *others = [await reader for reader in readers]
        assert all(other is first for other in others)
        assert (work.begun, ledger.bytes("streams")) == (1, 70_000)
        assert await store.get("a", SIZE, work) is first
        assert work.begun == 1
        del others, readers
        assert ledger.bytes("streams") == 70_000
        del first
        await asyncio.sleep(0.01)  # the callbacks of the work
        assert ledger.bytes("streams") == 0
        assert (await store.get("a", SIZE, work)).data == work.data
        assert work.begun == 2

    run(scene)


@pytest.mark.fault(40)
def test_different_bytes_are_counted_one_by_one_and_refused_beyond_the_limit():
    async def scene(ledger, store):
        ledger.job_seconds = 0
        work = Made(b"x" * SIZE)
        work.go.set()
        held = [await store.get(number, SIZE, work) for number in range(10)]
        with pytest.raises(Busy):
            await store.get(10, SIZE, work)
        with pytest.raises(TooLarge):
            await store.get(11, 2_000_000, work)
        assert work.begun == 10
        held.pop()
        await asyncio.sleep(0.01)  # the callbacks of the work
        assert (await store.get(10, SIZE, work)).data == work.data

    run(scene)


@pytest.mark.fault(22)
def test_the_work_stops_when_its_last_reader_has_left_and_not_before():
    async def scene(ledger, store):
        work = Made()
        one, other = (asyncio.create_task(store.get("a", SIZE, work)) for _ in range(2))
        await asyncio.sleep(0.01)
        one.cancel()
        await asyncio.wait({one})
        assert work.progress.error is None
        other.cancel()
        await asyncio.wait({other})
        assert isinstance(work.progress.error, ClientsGone)
        await asyncio.sleep(0.01)
        assert ledger.bytes("streams") == 0
        work.go.set()
        assert (await store.get("a", SIZE, work)).data == work.data

    run(scene)


def test_an_error_reaches_all_readers_and_holds_nothing():
    async def scene(ledger, store):
        work = Made(ZeroDivisionError())
        work.go.set()
        found = await asyncio.gather(*(store.get("a", SIZE, work) for _ in range(3)), return_exceptions=True)
        assert [type(error) for error in found] == [ZeroDivisionError] * 3
        assert (work.begun, ledger.bytes("streams"), store.making) == (1, 0, {})

    run(scene)
