"""Request bodies are bounded by what each endpoint can need, before they are parsed."""

import json
import socket
from urllib.parse import urlsplit

import pytest
from worlds import live, running, serving, until

from headscope.main import create_app
from headscope.web import bodies
from headscope.web.bodies import (
    COPIES,
    MAX_STRUCTURE,
    SMALL_BODY,
    UPLOAD_SHARE,
    UPLOAD_STEP,
    RefusedRequest,
    parse,
    parse_long,
    size_without_strings,
)
from headscope.web.requests import body_models

JSON = {"Content-Type": "application/json"}
EMOJI = "😀"


def chunked(body):
    return (body[start : start + 1000] for start in range(0, len(body), 1000))


@pytest.mark.fault(3, 41)
@pytest.mark.parametrize(
    "path",
    ["/api/v1/models/load", "/api/v1/models/cancel", "/api/v1/probes/induction", "/api/v1/captures/x/flow"],
)
def test_a_body_without_a_text_has_a_small_limit(client, path):
    body = b'{"model": "' + b"x" * SMALL_BODY + b'"}'
    declared = client.post(path, content=body, headers=JSON)
    counted = client.post(path, content=chunked(body), headers=JSON)
    assert "content-length" not in counted.request.headers
    assert declared.json() == counted.json()
    assert (declared.status_code, declared.json()["code"]) == (413, "body_too_large")
    assert f"larger than {SMALL_BODY:,} bytes" in declared.json()["detail"]


@pytest.mark.fault(3, 41)
@pytest.mark.parametrize("path", ["/api/v1/captures", "/api/v1/estimate", "/api/v1/attention"])
def test_a_body_with_texts_may_have_all_its_texts_of_the_longest_length_in_escapes(settings, path):
    with serving(settings.model_copy(update={"max_characters": 10_000})) as client:
        longest = json.dumps(dict.fromkeys(("text", "text_pair", "target"), EMOJI * 10_000))
        assert len(longest) > 360_000
        taken = client.post(path, content=longest, headers=JSON)
        refused = client.post(path, content=longest + " " * MAX_STRUCTURE, headers=JSON)
    assert taken.json()["code"] in ("pair_not_supported", "too_many_tokens")
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    assert "larger than 425,536 bytes: a text has at most 10,000 characters" in refused.json()["detail"]


def test_the_setting_is_a_limit_of_every_body(settings):
    with serving(settings.model_copy(update={"max_body_bytes": 1000})) as client:
        refused = client.post("/api/v1/captures", content=chunked(b" " * 1001), headers=JSON)
    assert "larger than 1,000 bytes: that is HEADSCOPE_MAX_BODY_BYTES" in refused.json()["detail"]


def test_the_schema_names_the_limit_of_every_body(client):
    operations = client.get("/openapi.json").json()["paths"]
    limit = operations["/api/v1/models/load"]["post"]["requestBody"]["description"]
    assert limit == f"At most {SMALL_BODY:,} bytes."
    assert operations["/api/v1/captures"]["post"]["requestBody"]["description"] == "At most 7,265,536 bytes."
    assert len(body_models()) >= 5


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    "value",
    [
        b"[" + b"[]," * 40_000 + b"[]]",
        b"[" + b'"a",' * 30_000 + b"1]",
        b'["' + b'\\"","' * 30_000 + b'"]',
        b" " * 70_000,
    ],
    ids=["lists", "short strings", "escaped quotes", "spaces"],
)
def test_a_long_body_that_is_not_mostly_text_is_refused_without_parsing_it(client, monkeypatch, value):
    monkeypatch.setattr(bodies, "parse", lambda _: pytest.fail("parsed"))
    response = client.post("/api/v1/attention", content=b'{"text": "a", "layers": ' + value + b"}", headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert f"more than {MAX_STRUCTURE:,} bytes besides its texts" in response.json()["detail"]


@pytest.mark.parametrize("text", ["a" * 10**5, '"' * 10**5, "\\" * 10**5, '\\"' * 10**5, EMOJI * 10**5, "\n" * 10**5])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_any_long_text_is_parsed(text, ascii_only):
    body = json.dumps({"text": text, "text_pair": text}, ensure_ascii=ascii_only).encode()
    assert size_without_strings(body) == len('{"": "", "": ""}')
    assert parse_long(body) == {"text": text, "text_pair": text}


@pytest.mark.fault(6, 7, 8)
@pytest.mark.parametrize(
    ("body", "code"),
    [(b'{"text": "\\ud800"}', "invalid_input"), (b'{"a": 1, "a": 2}', "invalid_input"), (b"[NaN]", "invalid_json")],
)
def test_short_and_long_bodies_are_parsed_in_the_same_way(body, code):
    for parse_it, given in ((parse, body), (parse_long, body[:-1] + b" " * 1000 + body[-1:])):
        with pytest.raises(RefusedRequest) as refused:
            parse_it(given)
        assert refused.value.code == code


def test_a_client_that_leaves_before_the_end_of_its_body_is_no_bug(settings, caplog):
    caplog.set_level("INFO", logger="headscope")
    with live(settings) as url:
        with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as client:
            client.sendall(
                b"POST /api/v1/captures HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
            )
        until(lambda: any(line.startswith("POST /api/v1/captures 503 ") for line in caplog.messages))
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.fault(40)
def test_a_long_body_counts_as_memory_in_use_as_it_arrives_until_its_answer(settings):
    """Not when it is announced: many clients could announce long bodies and send nothing."""
    app = create_app(settings)
    with (
        running(app, settings) as (url, _),
        socket.create_connection((urlsplit(url).hostname, urlsplit(url).port)) as to,
    ):
        ledger, body = app.state.runner.ledger, b'{"text": "' + b"x" * 4 * UPLOAD_STEP + b'"}'
        head = f"POST /api/v1/estimate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        to.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + body[:MAX_STRUCTURE])
        assert ledger.bytes("uploads") == 0
        to.sendall(body[MAX_STRUCTURE : MAX_STRUCTURE + 2 * UPLOAD_STEP])
        until(lambda: ledger.bytes("uploads") == 2 * UPLOAD_STEP * COPIES)
        to.sendall(body[MAX_STRUCTURE + 2 * UPLOAD_STEP :])
        assert to.recv(12) == b"HTTP/1.1 422"  # text_too_long
        until(lambda: ledger.bytes("uploads") == 0)


@pytest.mark.fault(40)
def test_a_long_body_that_does_not_fit_into_memory_is_503_and_a_short_one_is_read(settings):
    with serving(settings) as client:
        ledger = client.app.state.runner.ledger
        with ledger.reserve("answers", ledger.max_bytes, "others"):
            short = client.post("/api/v1/models/load", json={"model": "local:x"})
            long = client.post("/api/v1/estimate", json={"text": "x" * 100_000})
        assert (long.status_code, long.json()["code"]) == (503, "busy")
        assert short.status_code == 404
        assert client.post("/api/v1/estimate", json={"text": "x" * 100_000}).json()["code"] == "too_many_tokens"
        assert ledger.bytes() == 0


@pytest.mark.fault(26, 40)
def test_all_long_bodies_together_take_at_most_a_share_of_the_memory(settings):
    with serving(settings) as client:
        ledger = client.app.state.runner.ledger
        with ledger.reserve("uploads", ledger.max_bytes // UPLOAD_SHARE, "another body"):
            refused = client.post("/api/v1/estimate", json={"text": "x" * 100_000})
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert ledger.bytes() == 0
