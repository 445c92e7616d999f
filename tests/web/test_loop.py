"""Nothing stops the event loop for more than 50 ms, whatever clients send: fault 41.

The times are CPU times, see `loop_delay`. `benchmarks/` measures how long requests take.
"""

import gc
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from time import thread_time
from urllib.parse import urlsplit

import httpx2
import pytest
from loop_delay import watched
from worlds import byte_level, until, write_tiny

from headscope.main import create_app
from headscope.settings import Settings
from headscope.web.assets import Asset

pytestmark = pytest.mark.fault(41)

LIMIT = 0.05
TRIES = 10  # one delay can have any cause, such as a busy machine; what holds the loop does so each time
JSON = {"Content-Type": "application/json"}
EVENTS = {"Accept": "text/event-stream"}
LONGEST = "the " * 16_384


@pytest.fixture(autouse=True)
def small_collections():
    """Keep the objects of other tests out of garbage collections, which hold the GIL."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A client of a live server, and the watch of its loop. Its model takes 16,384 tokens; local:wide has 640 heads."""
    models = tmp_path_factory.mktemp("models")
    write_tiny(models / "long", "gpt2", n_positions=16_384, n_layer=1, n_head=1, n_embd=8)
    write_tiny(models / "wide", "gpt2", n_layer=5, n_head=128, n_embd=128)
    settings = Settings(model="local:long", models_dir=models)
    with watched(create_app(settings), settings) as (url, watch), httpx2.Client(base_url=url, timeout=100) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client, watch


def check_delay(watch, request):
    """Send the request, several times if the loop is stopped; returns its response."""
    for _ in range(TRIES):
        watch.reset()
        response = request()
        watch.wait_for_beats()
        if max(watch.longest_step, watch.longest_hold) < LIMIT:
            return response
    message = f"a step of {watch.longest_step:.3f} s; a hold of {watch.longest_hold:.3f} s in {watch.held_in}"
    raise AssertionError(message)


def body_of(**fields):
    return json.dumps(fields).encode()


BODIES = {
    "8 MB of lists": b'{"text": ' + b"[" * 100 + b"[]," * 2_700_000 + b"[]" + b"]" * 100 + b"}",
    "1 MB of lists": b'{"text": "a", "layers": [' + b"[]," * 330_000 + b"[]]}",
    "100,000 numbers": b'{"text": "a", "layers": [' + b"1," * 100_000 + b"1]}",
    "64 kB of lists": b'{"text": "a", "layers": [' + b"[]," * 21_000 + b"[]]}",
    "64 kB of objects": b'{"text": "a", "layers": [' + b"{}," * 21_000 + b"{}]}",
    "6,000 fields": b'{"text": "a",' + b",".join(b'"%d":1' % n for n in range(6_000)) + b"}",
    "200,000 emoji": body_of(text="😀" * 200_000),
    "200,000 quotes": body_of(text='"' * 200_000, text_pair="\\" * 200_000),
    "1 MB word": body_of(text="a" * 10**6),
    "200 kB word": body_of(text="a" * 200_000),
}


@pytest.mark.fault(41, decides=True)
@pytest.mark.fault(4, 7)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_body_stops_the_loop(server, body):
    client, watch = server
    response = check_delay(watch, lambda: client.post("/api/v1/attention", content=body, headers=JSON))
    assert response.status_code in (413, 422)


def raw(client, sent):
    """The status of the response to these bytes."""
    where = urlsplit(str(client.base_url))
    with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
        connection.sendall(sent)
        return int(connection.recv(2**16).split()[1])


HEAD = b"POST /api/v1/captures HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
REQUESTS = {
    "many small headers": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"a:\r\n" * 15_000 + b"\r\n",
    "a long query": b"GET /api/v1/models?" + b"&a" * 4_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a long Accept": b"GET /api/v1/captures/x HTTP/1.1\r\nHost: localhost\r\nAccept: " + b"a," * 7_000 + b"b\r\n\r\n",
    "tiny chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 100_000 + b"0\r\n\r\n",
    "a pipeline": b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1_000,
}


@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
def test_no_head_and_no_framing_stops_the_loop(server, sent):
    client, watch = server
    assert check_delay(watch, lambda: raw(client, sent)) in (200, 400, 404, 406, 413, 422, 431)


def answers_to(client, sent, connections):
    """The status of the response to these bytes on each of so many connections, which are open at the same time."""
    where = urlsplit(str(client.base_url))
    with ThreadPoolExecutor(connections) as threads, ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection((where.hostname, where.port), timeout=60))
            for _ in range(connections)
        ]
        list(threads.map(lambda connection: connection.sendall(sent), opened))
        return {int(connection.recv(2**16).split()[1]) for connection in opened}


def test_tiny_chunks_on_many_connections_together_do_not_stop_the_loop(server):
    client, watch = server
    sent = REQUESTS["tiny chunks"][:120_000]
    assert check_delay(watch, lambda: answers_to(client, sent, connections=24)) == {400}


@pytest.fixture(scope="module")
def capture(server):
    """The address of a capture of 16,384 tokens."""
    made = server[0].post("/api/v1/captures", json={"text": LONGEST, "truncate": True})
    assert made.json()["queries"] == 16_384
    return made.headers["location"]


@pytest.mark.parametrize("headers", [{}, EVENTS])
def test_a_capture_of_the_longest_text_does_not_stop_the_loop(server, capture, headers):
    client, watch = server
    body = {"text": LONGEST, "truncate": True}
    response = check_delay(watch, lambda: client.post("/api/v1/captures", json=body, headers=headers))
    assert response.text.count('"index":') >= 16_384


@pytest.mark.fault(41, decides=True)
@pytest.mark.parametrize(
    "path", ["", "/words", "/scores?per=query&names=first", "/overview?cells=512", "/heads/0/0?cells=512"]
)
def test_no_answer_of_the_longest_text_stops_the_loop(server, capture, path):
    client, watch = server
    assert check_delay(watch, lambda: client.get(capture + path)).status_code == 200


@pytest.mark.parametrize("kind", ["npz", "safetensors", "npy"])
def test_the_beginning_of_a_dump_does_not_stop_the_loop(server, capture, kind):
    client, watch = server

    def begin():
        with client.stream("GET", f"{capture}/dump?format={kind}") as response:
            next(response.iter_raw())
        return response

    assert check_delay(watch, begin).status_code == 200


@pytest.mark.parametrize("headers", [{}, EVENTS])
@pytest.mark.parametrize("path", ["/similarity", "/scores?roles=true"])
def test_no_answer_about_640_heads_stops_the_loop(server, headers, path):
    client, watch = server
    at = client.post("/api/v1/captures", json={"text": "the cat sat", "model": "local:wide"}).headers["location"]
    assert check_delay(watch, lambda: client.get(at + path, headers=headers)).status_code == 200


@pytest.mark.parametrize("path", ["/openapi.json", "/", "/docs", "/docs/glossary", "/docs/heads", "/metrics"])
@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_no_page_stops_the_loop(server, path, encoding):
    client, watch = server
    assert check_delay(watch, lambda: client.get(path, headers={"Accept-Encoding": encoding})).status_code == 200


def test_files_and_pages_are_compressed_in_threads(server, monkeypatch):
    client, watch = server
    threads, encoded = [], Asset.encoded
    monkeypatch.setattr(Asset, "encoded", lambda *given: threads.append(threading.get_ident()) or encoded(*given))
    for path in ("/static/js/main.js", "/"):
        assert client.get(path).status_code == 200
    assert len(threads) == 2
    assert watch.loop_thread not in threads


def test_a_garbage_collection_does_not_look_at_the_libraries(server):
    assert gc.get_freeze_count() > 100_000


def busy(seconds):
    end = thread_time() + seconds
    while thread_time() < end:
        pass


def test_the_watch_sees_a_long_step(server):
    watch = server[1]
    watch.reset()
    watch.loop.call_soon_threadsafe(busy, 2 * LIMIT)
    watch.wait_for_beats()
    assert watch.longest_step >= 2 * LIMIT


def holds(watch, work):
    """The longest hold in each run of the work in a thread. A busy machine can add holds, but never hides one."""
    for _ in range(20):
        watch.reset()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        yield watch.longest_hold


def test_the_watch_sees_a_call_that_does_not_release_the_gil(server):
    watch, tokenizer, text = server[1], byte_level()._tokenizer, "😀" * 200_000
    assert next(holds(watch, lambda: tokenizer.encode(text))) > LIMIT
    assert any(hold < LIMIT for hold in holds(watch, lambda: tokenizer.encode_batch([text])))
