"""Whose answer is ended when memory is short: the time that counts is that of the client, not of the server."""

import pytest

from headscope.engine import slow_readers
from headscope.engine.slow_readers import FAIR_SECONDS, SlowReaders


@pytest.mark.fault(26, 40)
def test_the_answer_is_ended_for_whose_client_the_server_has_waited_longest(monkeypatch):
    now, ended, readers = [0.0], [], SlowReaders()
    monkeypatch.setattr(slow_readers, "monotonic", lambda: now[0])
    with (
        readers.reading(lambda: ended.append("computes for long")) as computed,
        readers.reading(lambda: ended.append("slow")) as slow,
        readers.reading(lambda: ended.append("slower")) as slower,
    ):
        with computed.waited_for():
            now[0] += 1
        now[0] += 1000
        readers.end_longest()
        assert ended == []
        with slow.waited_for(), slower.waited_for():
            now[0] += FAIR_SECONDS
        with slower.waited_for():
            now[0] += 1
            for _ in range(3):
                readers.end_longest()
    assert ended == ["slower", "slow"]
    assert not readers.readers
