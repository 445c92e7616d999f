"""The rate limit."""

from types import SimpleNamespace

import httpx2
import pytest
from worlds import live

from headscope.settings import Settings
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


@pytest.mark.fault(38)
def test_the_addresses_of_one_ipv6_network_have_one_limit(models_dir):
    def ask(url, address):
        return httpx2.get(f"{url}/api/v1/models", headers={"X-Forwarded-For": address}).status_code

    limit = {"shared": True, "insecure": True, "requests_per_minute": 3}
    with live(Settings(model="local:gpt2", models_dir=models_dir, **limit)) as url:
        assert [ask(url, f"2001:db8:0:1::{n}") for n in range(4)] == [200, 200, 200, 429]
        assert ask(url, "2001:db8:0:2::1") == 200
