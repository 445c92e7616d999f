"""A run that is accepted is finished: its event stream has memory of its own, and it waits for what others hold."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import httpx2
import pytest
from worlds import live, serving

from headscope.capture import capture as captures
from headscope.engine.event_space import bytes_of_largest_event
from headscope.engine.runner import Runner
from headscope.errors import Deadline
from headscope.records import Prompt, TokenizedPrompt
from headscope.settings import Settings

CAPTURES = "/api/v1/captures"
EVENTS = {"Accept": "text/event-stream"}
# The memory for tokenizing is reserved for other models only.
LONG = {"model": "gpt2-mini", "downloads": False}
TEXT = "cat " * 600
BODY = {"text": TEXT, "truncate": True}


@pytest.fixture(scope="module")
def needed():
    """cells -> the bytes of the capture, and those of the largest event of its stream."""
    with serving(Settings(**LONG)) as client:
        client.post(CAPTURES, json=BODY)
        runner = client.app.state.runner
        [cached] = runner.captures.cache.values()
        capture = cached.capture
        held = runner.ledger.bytes("captures")
        prompt = TokenizedPrompt(Prompt(""), capture.tokens)
        return lambda cells: (held, bytes_of_largest_event(capture.card, prompt, cells))


def last_event(answer):
    name, data = answer.text.strip().split("\n\n")[-1].split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


@pytest.mark.fault(21, 24, 40)
@pytest.mark.parametrize("cells", [48, 200])
@pytest.mark.parametrize("missing", [0, 1])
def test_a_stream_that_just_fits_is_finished_and_one_that_never_fits_is_refused_before_the_run(
    needed, cells, missing, monkeypatch
):
    memory = sum(needed(cells)) - missing
    with serving(Settings(**LONG, max_capture_bytes=memory)) as client:
        assert client.post(f"/api/v1/estimate?cells={cells}", json=BODY).json()["fits"] is (not missing)
        if missing:
            with monkeypatch.context() as patch:
                patch.setattr(captures, "run_prompt", None)
                name, problem = last_event(client.post(f"{CAPTURES}?cells={cells}", json=BODY, headers=EVENTS))
            assert (name, problem["code"]) == ("error", "too_large")
            # The pictures of 200 cells take more than the description, and those of 48 cells less.
            assert client.post(CAPTURES, json=BODY).status_code == (201 if cells == 200 else 413)
        else:
            for _ in range(2):  # the second time, the capture is cached
                answer = client.post(f"{CAPTURES}?cells={cells}", json=BODY, headers=EVENTS)
                assert (last_event(answer)[0], answer.text.count("event: layer")) == ("done", 4)
                assert client.app.state.runner.ledger.bytes() <= memory


@pytest.mark.fault(24)
@pytest.mark.parametrize("cells", [48, 100, 512])
def test_the_estimate_says_whether_the_stream_is_accepted(cells):
    found = set()
    with serving(Settings(model="minilm", downloads=False, max_capture_bytes=3_000_000)) as client:
        for words in range(40, 160, 10):
            body = {"text": "cat " * words}
            fits = client.post(f"/api/v1/estimate?cells={cells}", json=body).json()["fits"]
            name, _ = last_event(client.post(f"{CAPTURES}?cells={cells}", json=body, headers=EVENTS))
            assert (words, name) == (words, "done" if fits else "error")
            found.add(fits)
    assert found == {True, False}


@pytest.mark.fault(21, 40)
@pytest.mark.parametrize("cells", [48, 200])
def test_all_streams_that_are_accepted_are_finished_though_memory_is_short(needed, cells):
    memory = 2 * sum(needed(cells)) + 1000
    with live(Settings(**LONG, max_capture_bytes=memory)) as url, ThreadPoolExecutor(12) as pool:

        def ask(number):
            body = {"text": f"{number} {TEXT}", "truncate": True}
            return last_event(httpx2.post(f"{url}{CAPTURES}?cells={cells}", json=body, headers=EVENTS, timeout=60))[0]

        assert list(pool.map(ask, range(12))) == ["done"] * 12


@pytest.mark.fault(21)
def test_a_run_that_has_been_accepted_waits_for_memory_that_others_hold(needed):
    with serving(Settings(**LONG, max_capture_bytes=sum(needed(0)))) as client:
        ledger, short, answers = client.app.state.runner.ledger, Event(), []
        ledger.on_shortage.append(short.set)
        others = ledger.reserve("answers", 1000, "others")
        waiting = Thread(target=lambda: answers.append(client.post(CAPTURES, json=BODY)))
        waiting.start()
        assert short.wait(30)
        others.release()
        waiting.join()
        assert answers[0].status_code == 201


@pytest.mark.fault(40)
def test_the_layers_of_a_run_that_has_failed_count_until_their_last_follower_has_left(monkeypatch):
    run_prompt = captures.run_prompt

    def fail(*given):
        *others, on_layer, held = given

        def fail_after(layer):
            on_layer(layer)
            raise Deadline("too slow")

        return run_prompt(*others, fail_after, held)

    async def follow():
        runner = Runner(Settings(**LONG))
        job, _ = await runner.start(await runner.prepare(Prompt(TEXT, truncate=True)))
        with pytest.raises(Deadline):
            await job.follow()
        assert len(job.layers) == 1
        held = runner.ledger.bytes("captures")
        job.layers.clear()
        return held, runner.ledger.bytes("captures")

    monkeypatch.setattr(captures, "run_prompt", fail)
    held, after = asyncio.run(follow())
    assert held > 100_000
    assert after == 0
