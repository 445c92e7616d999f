"""The account of memory: what is admitted, what is refused, and when bytes are free again."""

import gc
import sys
from threading import Barrier, Thread

import pytest

from headscope.engine.ledger import PURPOSES, Ledger
from headscope.errors import Busy, TooLarge
from headscope.records import NO_PROGRESS


def reserve(ledger, size, purpose="answers", **options):
    return ledger.reserve(purpose, size, "the answer", **options)


@pytest.mark.fault(40)
def test_a_reservation_is_held_until_the_end_of_its_with_also_after_an_error():
    ledger = Ledger(100, 10)
    with reserve(ledger, 60):
        assert (ledger.bytes(), ledger.bytes("answers"), ledger.count("answers")) == (60, 60, 1)
        assert ledger.bytes("captures") == 0
    with pytest.raises(ZeroDivisionError), reserve(ledger, 60):
        raise ZeroDivisionError
    assert (ledger.bytes(), ledger.count("answers")) == (0, 0)


@pytest.mark.fault(24, decides=True)
@pytest.mark.fault(24, 40)
def test_what_can_never_fit_is_413_with_the_number_the_limit_and_the_way_out():
    ledger = Ledger(1000, 10)
    with pytest.raises(TooLarge) as refused:
        reserve(ledger, 2001, way_out="name fewer layers")
    assert str(refused.value) == (
        "the answer takes 2,001 bytes; HEADSCOPE_MAX_CAPTURE_BYTES is 1,000: name fewer layers, or raise the limit"
    )
    assert ledger.refusals == {"never": 1}


def test_what_cannot_fit_beside_its_own_capture_never_fits():
    with pytest.raises(TooLarge, match="takes 500 bytes, and its capture another 600"):
        reserve(Ledger(1000, 10), 500, beside=600)


@pytest.mark.fault(40)
def test_what_does_not_fit_now_is_503_with_retry_after_and_fits_later():
    ledger = Ledger(100, 10)
    first = reserve(ledger, 60)
    with pytest.raises(Busy, match=r"takes 50 bytes.* 60 are in use") as refused:
        reserve(ledger, 50)
    assert int(refused.value.headers["Retry-After"]) > 0
    assert ledger.refusals == {"now": 1}
    first.release()
    assert reserve(ledger, 50).bytes == ledger.bytes() == 50


def test_a_reservation_grows_when_more_is_held_than_was_known_and_only_where_it_fits():
    ledger = Ledger(100, 1)
    ledger.job_seconds = 0
    held = reserve(ledger, 30, "captures")
    held.grow(NO_PROGRESS, 50, "the capture", "shorten the text")
    held.grow(NO_PROGRESS, 20, "the capture", "shorten the text")
    assert (held.bytes, ledger.bytes("captures"), ledger.count("captures")) == (50, 50, 1)
    with reserve(ledger, 40), pytest.raises(Busy):
        held.grow(NO_PROGRESS, 70, "the capture", "shorten the text")
    with pytest.raises(TooLarge, match="the capture takes 101 bytes"):
        held.grow(NO_PROGRESS, 101, "the capture", "shorten the text")
    held.release()
    assert (ledger.bytes(), ledger.count("captures")) == (0, 0)


def test_releasing_twice_counts_once():
    ledger = Ledger(100, 10)
    with reserve(ledger, 60) as first, reserve(ledger, 30):
        first.release()
        first.release()
        assert ledger.bytes() == 30
    del first
    assert (ledger.bytes(), ledger.count("answers")) == (0, 0)


def test_a_reservation_that_nothing_refers_to_is_released():
    ledger = Ledger(100, 10)
    held = [reserve(ledger, 60)]
    held.append(held)  # a cycle, which only the garbage collector finds
    assert ledger.bytes() == 60
    del held
    gc.collect()
    assert (ledger.bytes(), ledger.count("answers")) == (0, 0)


def test_a_reservation_can_shrink_to_the_result_but_not_grow():
    ledger = Ledger(100, 10)
    with reserve(ledger, 60) as held:
        held.shrink(20)
        assert (ledger.bytes(), ledger.count("answers")) == (20, 1)
        held.shrink(50)
        assert ledger.bytes() == 20
    held.shrink(5)
    assert (ledger.bytes(), ledger.count("answers")) == (0, 0)


@pytest.mark.fault(25)
def test_captures_that_nobody_reads_make_room_and_no_more_than_needed():
    ledger = Ledger(100, 10)
    idle = [ledger.reserve("captures", 30, "the capture") for _ in range(3)]

    def drop():
        return bool(idle) and idle.pop(0) is not None

    ledger.make_room.append(drop)
    with reserve(ledger, 35):
        assert len(idle) == 2
        with pytest.raises(Busy):  # only what is in use is left
            reserve(ledger, 70)
        assert idle == []


@pytest.mark.fault(44)
def test_captures_are_bounded_by_count_and_nothing_else_is():
    ledger = Ledger(100, 2)
    first, second = (ledger.reserve("captures", 1, "the capture") for _ in range(2))
    with pytest.raises(Busy, match=r"all 2 captures \(HEADSCOPE_MAX_CAPTURES\) are being read"):
        ledger.reserve("captures", 1, "the capture")
    assert reserve(ledger, 1).bytes == 1
    first.release()
    assert ledger.reserve("captures", 1, "the capture").bytes == 1
    assert second.bytes == 1


def test_threads_that_reserve_and_release_at_once_leave_nothing_behind():
    ledger, start, most = Ledger(1000, 10), Barrier(4), []
    before = sys.getswitchinterval()

    def work(purpose):
        start.wait()
        for size in range(1, 500):
            with ledger.reserve(purpose, size % 50 + 1, "the answer") as held:
                most.append(ledger.bytes())
                held.shrink(size % 7)

    threads = [Thread(target=work, args=(purpose,)) for purpose in PURPOSES[:4]]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert ledger.bytes() == 0
    assert all(ledger.bytes(purpose) == ledger.count(purpose) == 0 for purpose in PURPOSES)
    assert 0 < max(most) <= 1000


def test_a_thread_can_wait_for_a_reader_that_is_about_to_finish():
    ledger = Ledger(100, 10)
    first, waiting = reserve(ledger, 60), Barrier(2)
    found = []

    def work():
        waiting.wait()
        found.append(reserve(ledger, 60, wait_seconds=30).bytes)

    thread = Thread(target=work)
    thread.start()
    waiting.wait()
    first.release()
    thread.join()
    assert found == [60]
