"""Requests whose end or whose Host cannot be trusted, and what is not HTTP."""

import json
import socket
from urllib.parse import urlsplit

import pytest
from worlds import serving

from headscope.settings import Settings


@pytest.mark.fault(51)
@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/api/v1/models/?a=1&b=%C3%A9", "/api/v1/models?a=1&b=%C3%A9"),
        ("/docs/gloss%20ary%E2%82%AC/", "/docs/gloss%20ary%E2%82%AC"),
        ("/static", "/static/"),
    ],
)
@pytest.mark.parametrize("host", ["evil.example", "[", "evil.example/x?"])
def test_a_redirect_does_not_repeat_the_host(models_dir, path, location, host):
    settings = Settings(model="local:gpt2", models_dir=models_dir, shared=True, insecure=True)
    with serving(settings, follow_redirects=False) as client:
        answer = client.get(path, headers={"Host": host})
    assert (answer.status_code, answer.headers["location"]) == (307, location)
    assert "evil" not in answer.text


@pytest.mark.fault(51)
def test_content_length_together_with_transfer_encoding_is_refused(url):
    head = b"POST /api/v1/captures HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    status, headers, problem = raw(url, head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert (status, problem["code"]) == (400, "bad_request")
    assert "both Content-Length and Transfer-Encoding" in problem["detail"]
    assert headers["connection"] == "close"


@pytest.mark.fault(51)
@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12345678901234567890123\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "bad_request"),
        (b"\x16\x03\x01\x02\x00 a TLS hello\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 2**16, 431, "headers_too_large"),
    ],
    ids=["long length", "two lengths", "TLS", "no host", "long header"],
)
def test_what_is_not_http_gets_an_error_of_the_same_shape(url, sent, status, code):
    found, headers, problem = raw(url, sent)
    assert (found, problem["status"], problem["code"]) == (status, status, code)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"


def raw(url, sent):
    """(status, headers, body as JSON) of the response to these bytes, after which the server closes the connection."""
    where, received = urlsplit(url), b""
    with socket.create_connection((where.hostname, where.port), timeout=30) as client:
        client.sendall(sent)
        while part := client.recv(2**16):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in lines), json.loads(body)
