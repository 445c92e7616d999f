"""The rate limit."""

import time

import pytest

from headscope.web import rates
from headscope.web.rates import MAX_CLIENTS, Rates


@pytest.fixture
def clock(monkeypatch):
    """[seconds], which the limiter reads."""
    seconds = [1000.0]
    monkeypatch.setattr(rates, "monotonic", lambda: seconds[0])
    return seconds


def test_a_request_is_allowed_again_a_minute_after_the_one_that_it_replaces(clock):
    limiter = Rates(3)
    allowed = []
    for clock[0] in (1000, 1010, 1020, 1030, 1059, 1060, 1061, 1070):
        allowed.append(limiter.allow("a"))
    assert allowed == [True, True, True, False, False, True, False, True]


def test_each_client_has_its_own_limit(clock):
    limiter = Rates(1)
    assert [limiter.allow(client) for client in ("a", "b", "a", ("a", False))] == [True, True, False, True]


@pytest.mark.fault(51)
def test_setting_the_clock_of_the_system_back_does_not_prolong_the_wait(monkeypatch):
    limiter, now = Rates(1), time.time()
    monkeypatch.setattr(rates, "SECONDS", 0.05)
    assert limiter.allow("a")
    monkeypatch.setattr(time, "time", lambda: now - 10**6)
    time.sleep(0.06)
    assert limiter.allow("a")


def test_clients_that_are_silent_are_forgotten(clock):
    limiter = Rates(1)
    for number in range(MAX_CLIENTS + 5):
        limiter.allow(number)
    assert len(limiter.times) == MAX_CLIENTS
