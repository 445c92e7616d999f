"""What clients send is parsed in turns of the event loop (fault 41), with a clock of the test."""

import asyncio

import pytest

from headscope.web import parse_turns
from headscope.web.parse_turns import TURN_SECONDS, TURN_STEPS, ParseTurns

pytestmark = pytest.mark.fault(41)


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(parse_turns, "perf_counter", lambda: now[0])
    return now


def turns_of(steps, add):
    """The names of the steps that are run in each turn of an event loop, after `add(turns, step)` in the first."""

    async def run():
        turns, ran = ParseTurns(), [[]]
        add(turns, lambda name: lambda: ran[-1].append(name))
        while sum(map(len, ran)) < steps:
            ran.append([])
            await asyncio.sleep(0)
        return [each for each in ran if each]

    return asyncio.run(run())


def test_the_steps_of_one_turn_are_limited(clock):
    many = 2 * TURN_STEPS + 1

    def add(turns, step):
        done = [turns.run(1, step(number)) for number in range(many)]
        assert done == [True] * TURN_STEPS + [False] * (TURN_STEPS + 1)

    found = turns_of(many, add)
    assert [len(each) for each in found] == [TURN_STEPS, TURN_STEPS, 1]
    assert [number for each in found for number in each] == list(range(many))


def test_a_step_that_takes_long_ends_the_turn(clock):
    def add(turns, step):
        def long():
            clock[0] += TURN_SECONDS
            step("long")()

        assert turns.run(1, long)
        assert not turns.run(1, step("next"))

    assert turns_of(2, add) == [["long"], ["next"]]


def test_of_what_waits_the_shortest_comes_first(clock):
    def add(turns, step):
        for number in range(TURN_STEPS):
            turns.run(1, step(number))
        for size in (16_384, 300, 16_384, 20):
            turns.run(size, step(size))

    assert turns_of(TURN_STEPS + 4, add)[1] == [20, 300, 16_384, 16_384]


def test_a_bug_in_one_step_stops_no_other(clock):
    def add(turns, step):
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        for number in range(TURN_STEPS):
            turns.run(1, step(number))
        turns.run(1, lambda: 1 / 0)
        turns.run(2, step("after"))

    assert turns_of(TURN_STEPS + 1, add)[-1] == ["after"]
