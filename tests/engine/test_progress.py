import pytest

from headscope.engine import progress as module
from headscope.engine.progress import WorkProgress
from headscope.errors import ClientsGone, Deadline, ShuttingDown


@pytest.fixture
def clock(monkeypatch):
    """Its time is set by the test."""
    time = [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: time[0])
    return time


def test_each_percent_is_reported_once_and_100_never():
    percents = []
    progress = WorkProgress(on_percent=percents.append)
    progress.expect(200)
    for _ in range(210):
        progress.step()
    assert percents == list(range(100))


def test_more_steps_than_percents_are_not_all_reported():
    percents = []
    progress = WorkProgress(on_percent=percents.append)
    progress.expect(1000)
    for _ in range(30):
        progress.step()
    assert percents == [0, 1, 2, 3]


def test_the_deadline_counts_from_the_start_and_says_how_much_was_done(clock):
    progress = WorkProgress(5, "layers")
    clock[0] += 60  # in the queue
    progress.start()
    progress.expect(3)
    clock[0] += 4
    progress.check()
    progress.step()
    clock[0] += 2
    with pytest.raises(Deadline, match=r"^1 of 3 layers were done after 5 s: .*HEADSCOPE_RUN_SECONDS"):
        progress.check()
    assert progress.elapsed == 6


def test_a_deadline_without_a_known_total_says_the_steps_done(clock):
    progress = WorkProgress(1)
    progress.start()
    clock[0] += 2
    with pytest.raises(Deadline, match=r"^0 steps were done"):
        progress.check()


def test_the_first_reason_to_stop_is_the_one_that_is_raised():
    progress = WorkProgress()
    progress.check()
    progress.stop(ShuttingDown("the server is shutting down"))
    progress.stop(ClientsGone("the client has disconnected"))
    with pytest.raises(ShuttingDown):
        progress.check()
