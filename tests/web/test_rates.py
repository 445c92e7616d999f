"""The rate limit."""

from types import SimpleNamespace

import pytest

from headscope.web import rates
from headscope.web.rates import MAX_CLIENTS, Rates


@pytest.fixture
def clock(monkeypatch):
    """[seconds] of the monotonic clock. The clock of the system is set back all the time."""
    seconds = [1000.0]
    clocks = SimpleNamespace(monotonic=lambda: seconds[0], time=lambda: -seconds[0])
    monkeypatch.setattr(rates, "time", clocks)
    return seconds


@pytest.mark.fault(51)
def test_a_request_is_allowed_again_after_a_minute_although_the_system_clock_is_set_back(clock):
    limiter = Rates(3)
    allowed = []
    for clock[0] in (1000, 1010, 1020, 1030, 1059, 1060, 1061, 1070):
        allowed.append(limiter.allow("a"))
    assert allowed == [True, True, True, False, False, True, False, True]


def test_each_client_has_its_own_limit(clock):
    limiter = Rates(1)
    assert [limiter.allow(client) for client in ("a", "b", "a", ("a", False))] == [True, True, False, True]


def test_clients_that_are_silent_are_forgotten(clock):
    limiter = Rates(1)
    for number in range(MAX_CLIENTS + 5):
        limiter.allow(number)
    assert len(limiter.times) == MAX_CLIENTS
