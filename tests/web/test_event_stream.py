"""Responses of server-sent events: compression, headers for proxies, and keep-alive comments."""

import asyncio
import json
import zlib

import pytest

from headscope.engine.pools import Pools
from headscope.web.streams import GZIP, KEEP_ALIVE, SLICE_BYTES, compressed, with_keep_alive

TEXT = "The cat sat on the mat."
CAPTURES = "/api/v1/captures"
STREAM = {"Accept": "text/event-stream"}


def test_a_stream_is_compressed_for_a_client_that_accepts_gzip(client):
    def answer(encoding):
        return client.post(CAPTURES, json={"text": TEXT}, headers={**STREAM, "Accept-Encoding": encoding})

    answer("gzip")  # the first answer has no estimate of its seconds
    packed, plain = answer("gzip"), answer("identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["vary"]
    assert packed.text == plain.text


def test_each_event_of_a_compressed_stream_can_be_read_when_it_arrives(settings):
    events = [b"data: 1\n\n", b"data: %s\n\n" % bytes(SLICE_BYTES), b"data: 3\n\n"]

    async def given():
        for one in events:
            yield one

    async def sent():
        return [chunk async for chunk in compressed(given(), Pools(settings))]

    *chunks, end = asyncio.run(sent())
    reader = zlib.decompressobj(GZIP)
    assert [reader.decompress(chunk) for chunk in chunks] == events
    reader.decompress(end)
    assert reader.eof


@pytest.mark.parametrize("path", ["captures", "scores", "load"])
def test_proxies_are_asked_not_to_buffer_or_store_a_stream(client, path):
    location = client.post(CAPTURES, json={"text": TEXT}).headers["location"]
    answer = {
        "captures": lambda: client.post(CAPTURES, json={"text": TEXT}, headers=STREAM),
        "scores": lambda: client.get(f"{location}/scores", headers=STREAM),
        "load": lambda: client.post("/api/v1/models/load", json={"model": "local:gpt2"}, headers=STREAM),
    }[path]()
    assert (answer.headers["x-accel-buffering"], answer.headers["cache-control"]) == ("no", "private, no-cache")


def test_comments_are_sent_while_there_is_no_event():
    async def streamed():
        silent, chunks, closed = asyncio.Event(), [], []

        async def events():
            try:
                yield b"first\n\n"
                await silent.wait()
                yield b"second\n\n"
            finally:
                closed.append(True)

        async for chunk in with_keep_alive(events(), 0.001):
            chunks.append(chunk)
            if chunks.count(KEEP_ALIVE) == 3:
                silent.set()
        return [chunk for chunk in chunks if chunk != KEEP_ALIVE], chunks[1:4], closed

    assert asyncio.run(streamed()) == ([b"first\n\n", b"second\n\n"], [KEEP_ALIVE] * 3, [True])


def test_no_comment_is_sent_within_an_event_that_comes_in_slices():
    async def streamed():
        async def events():
            yield b"data: begins, "
            await asyncio.sleep(0.1)
            yield b"ends\n\n"
            await asyncio.sleep(0.1)

        return b"".join([chunk async for chunk in with_keep_alive(events(), 0.001)])

    assert asyncio.run(streamed()).startswith(b"data: begins, ends\n\n" + KEEP_ALIVE)


def test_a_stream_that_is_closed_while_it_is_silent_closes_its_events():
    async def closed():
        done = []

        async def events():
            try:
                await asyncio.sleep(1000)
                yield b"never"
            finally:
                done.append(True)

        stream = with_keep_alive(events(), 0.001)
        assert await anext(stream) == KEEP_ALIVE
        await stream.aclose()
        return done

    assert asyncio.run(closed()) == [True]


class PanicException(BaseException):
    """As pyo3 raises it for a panic in Rust: no Exception."""


# Where a bug is, and the stream that it ends.
BUGS = {
    "model": ("headscope.capture.capture.run_prompt", "captures"),
    "tokens": ("headscope.web.job_events.of_tokens", "captures"),
    "pictures": ("headscope.capture.windows.thumbnails", "captures"),
    "analysis": ("headscope.analysis.roles.roles", "roles"),
    "answer": ("headscope.web.routes.roles.as_json", "roles"),
    "load": ("headscope.models.loading.load_checked", "load"),
}


@pytest.mark.fault(49, decides=True)
@pytest.mark.parametrize("error", [ZeroDivisionError, PanicException])
@pytest.mark.parametrize("place", BUGS)
def test_a_bug_ends_a_stream_with_a_problem_and_is_logged_once(client, place, error, monkeypatch, caplog):
    location = client.post(CAPTURES, json={"text": TEXT}).headers["location"]

    def fail(*_, **__):
        raise error("a text that is nobody's business")

    function, stream = BUGS[place]
    monkeypatch.setattr(function, fail)
    answer = {
        "captures": lambda: client.post(CAPTURES, json={"text": "another text"}, headers=STREAM),
        "roles": lambda: client.get(f"{location}/roles", headers=STREAM),
        "load": lambda: client.post("/api/v1/models/load", json={"model": "local:bert"}, headers=STREAM),
    }[stream]()
    assert answer.status_code == 200
    name, data = answer.text.strip().split("\n\n")[-1].split("\n")
    problem = json.loads(data.removeprefix("data: "))
    assert (name, problem["code"], problem["status"]) == ("event: error", "internal_error", 500)
    assert "business" not in problem["detail"]
    assert len([record for record in caplog.records if record.exc_info]) == 1


@pytest.mark.fault(49)
def test_a_bug_in_a_job_is_a_problem_for_clients_without_a_stream_too(client, monkeypatch, caplog):
    def fail(*_):
        raise PanicException

    monkeypatch.setattr("headscope.capture.capture.run_prompt", fail)
    answer = client.post(CAPTURES, json={"text": TEXT})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert len([record for record in caplog.records if record.exc_info]) == 1
