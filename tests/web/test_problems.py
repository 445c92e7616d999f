"""Every error is problem+json."""

import pytest
from fastapi.testclient import TestClient
from worlds import every_error

from headscope import errors
from headscope.engine.job_queue import JobQueue
from headscope.errors import Busy
from headscope.main import create_app
from headscope.web.headers import SECURITY_HEADERS

JSON = {"Content-Type": "application/json"}


def post(client, body):
    return client.post("/api/v1/attention", content=body, headers=JSON)


def assert_problem(response, status, code):
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert set(problem) >= {"type", "title", "status", "detail", "code"}
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert len(response.content) < 8000
    return problem["detail"]


@pytest.mark.fault(8, decides=True)
@pytest.mark.fault(6, 7, 8)
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"text": "\\ud800"}', 422, "invalid_input"),
        (b'{"text": "a", "text": "b"}', 422, "invalid_input"),
        (b'{"text": NaN}', 400, "invalid_json"),
        (b'{"text": "a", "decimals": Infinity}', 400, "invalid_json"),
        (b'{"text": "a", "decimals": -Infinity}', 400, "invalid_json"),
        (b'{"text": "a", "decimals": ' + b"9" * 5000 + b"}", 400, "invalid_json"),
        (b"[" * 40_000, 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"", 422, "invalid_input"),
        (b"[]", 422, "invalid_input"),
        (b'"text"', 422, "invalid_input"),
        (b'{"text": "\xff"}', 400, "invalid_json"),
    ],
    ids=lambda value: value[:20] if isinstance(value, bytes) else None,
)
def test_an_invalid_or_ambiguous_body_is_refused(client, body, status, code):
    assert_problem(post(client, body), status, code)


@pytest.mark.fault(6, 8)
def test_the_input_is_never_echoed(client):
    secret = "s3cret" * 10
    response = client.post("/api/v1/attention", json={"text": [secret], "layers": secret, secret: 1})
    assert_problem(response, 422, "invalid_input")
    assert secret not in response.text


@pytest.mark.fault(7, 8)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"text": "a", "txet_pair": "b"}', "body: unknown field 'txet_pair': this takes text, text_pair, model"),
        (b'{"text": 5}', "body.text: must be a string, in quotes"),
        (b"{}", "body.text: is missing"),
        (b"[]", "body: must be a JSON object, {...}"),
        (b'{"text": "a", "layers": [true]}', "body.layers.0: must be a whole number"),
        (b'{"text": "a", "layers": []}', "body.layers: takes at least 1 item; leave the field out, or null, for all"),
        (b'{"text": "a", "layers": [1, 1]}', "body.layers: name each number once"),
        (b'{"text": "a", "verify": 1}', "body.verify: must be true or false"),
        (b'{"text": "a", "decimals": 10}', "body.decimals: must be 9 or less"),
        (b'{"text": "a", "decimals": -1}', "body.decimals: must be 0 or more"),
        (b'{"text": "a", "quantity": "x"}', "body.quantity: must be 'pattern' or 'scores'"),
        (b'{"text": "a", "decimals": ' + b"9" * 5000 + b"}", "a number has 5,000 digits, at most 30 are read"),
        (b"[" * 40_000, "the body is not JSON: it is nested too deeply"),
        (b'{"text": "\xff"}', "the body is not JSON: byte 10 is not UTF-8"),
        ('{"text": "a"}'.encode("utf-16-le"), "the body is not JSON: Expecting property name"),
        ('{"text": "∀"}'.encode("utf-16"), "the body is not JSON: byte 0 is not UTF-8"),
        (b'{"text" "a"}', "the body is not JSON: Expecting ':' delimiter at line 1, column 9"),
    ],
    ids=lambda value: value[:30] if isinstance(value, bytes) else "",
)
def test_the_message_names_the_field_and_the_rule(client, body, message):
    detail = post(client, body).json()["detail"]
    assert message in detail
    assert "Input should" not in detail


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    "path", ["heads/one/0", "heads/0/1.5", "heads/0/0?cells=many", "heads/0/0?cells=0", "heads/0/0?pool=sum"]
)
def test_an_invalid_path_or_query_parameter_has_a_message_of_ours(client, path):
    response = client.get(f"/api/v1/captures/{'0' * 32}/{path}")
    assert "must be" in assert_problem(response, 422, "invalid_input")


@pytest.mark.fault(8, decides=True)
def test_at_most_twenty_errors_are_listed(client):
    response = client.post("/api/v1/attention", json={"text": "a", "layers": ["x"] * 100})
    assert len(response.json()["errors"]) == 20


def test_an_unknown_path_is_a_problem(client):
    assert "/docs" in assert_problem(client.get("/api/v1/nothing"), 404, "not_found")


def test_a_wrong_method_is_a_problem_that_lists_the_allowed_ones(client):
    response = client.put("/healthz")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD"
    assert client.put("/api/v1/captures/0").headers["allow"] == "DELETE, GET, HEAD"
    assert client.put("/static/js/main.js").headers["allow"] == "GET, HEAD"


def test_a_bug_is_a_problem_without_details_and_is_logged(settings, caplog):
    caplog.set_level("INFO", logger="headscope")
    app = create_app(settings)

    @app.get("/bug")
    async def bug():
        raise ZeroDivisionError("the secret detail")

    with TestClient(app, "http://localhost", raise_server_exceptions=False) as client:
        response = client.get("/bug")
    assert_problem(response, 500, "internal_error")
    assert "secret" not in response.text
    assert response.headers["content-security-policy"] == SECURITY_HEADERS["Content-Security-Policy"]
    assert any(line.startswith("GET /bug 500 ") for line in caplog.messages)


def test_an_unknown_format_and_an_unknown_type_are_problems(client):
    post_to = "/api/v1/attention?format=csv"
    assert_problem(client.post(post_to, json={"text": "a"}), 406, "not_acceptable")
    response = client.post("/api/v1/attention", json={"text": "a"}, headers={"Accept": "text/csv"})
    assert_problem(response, 406, "not_acceptable")


def test_a_full_queue_is_503_with_retry_after(client, monkeypatch):
    def full(*_):
        raise Busy("32 requests are waiting already")

    monkeypatch.setattr(JobQueue, "check_room", full)
    response = client.post("/api/v1/captures", json={"text": "never seen before"})
    assert_problem(response, 503, "busy")
    assert int(response.headers["retry-after"]) > 0


def test_every_error_has_its_own_code_and_is_in_the_tree_of_the_docstring():
    codes = [error.code for error in every_error()]
    assert len(codes) == len(set(codes))
    for error in every_error():
        assert f"{error.__name__} " in errors.__doc__
        assert f"{error.status} {error.code}" in errors.__doc__


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_without_the_json_content_type_is_415_with_the_header_to_send(client, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    response = client.post("/api/v1/attention", content=b'{"text": "a"}', headers=headers)
    assert "Content-Type: application/json" in assert_problem(response, 415, "unsupported_media_type")


def test_json_with_a_charset_is_json(client):
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/api/v1/attention", content=b'{"text": "a"}', headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "accept"),
    [
        ("/api/v1/captures", {"text": "a"}, "application/x-npy"),
        ("/api/v1/models/load", {"model": "local:gpt2"}, "application/x-npy"),
    ],
)
def test_a_client_that_does_not_accept_json_gets_406(client, path, body, accept):
    response = client.post(path, json=body, headers={"Accept": accept})
    assert_problem(response, 406, "not_acceptable")


def test_a_capture_is_served_as_json_only(client):
    at = client.post("/api/v1/captures", json={"text": "a"}).headers["location"]
    assert_problem(client.get(at, headers={"Accept": "application/x-npy"}), 406, "not_acceptable")


@pytest.mark.fault(8)
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/v1/models?all=1", "'all' is unknown here: it takes none"),
        ("/api/v1/captures/x?cells=1", "'cells' is unknown here"),
        ("/api/v1/captures/x/overview?cell=1", "'cell' is unknown here: it takes cells, pool, format"),
        ("/api/v1/captures/x/heads/0/0?colums=0:5", "takes quantity, words, rows, columns, cells, pool, format"),
        ("/api/v1/captures/x/heads/0/0?cells=1&cells=2", "cells is given 2 times"),
    ],
)
def test_a_query_parameter_that_is_unknown_or_repeated_is_refused(client, path, message):
    assert message in assert_problem(client.get(path), 422, "invalid_input")


def test_a_dump_takes_no_query_parameter_but_the_format(client):
    refused = client.post("/api/v1/attention?layers=0", json={"text": "a"})
    assert "it takes format" in assert_problem(refused, 422, "invalid_input")
    assert client.post("/api/v1/attention?format=json", json={"text": "a"}).status_code == 200


def test_the_name_of_an_unknown_query_parameter_is_cut(client):
    assert len(assert_problem(client.get("/api/v1/models?" + "é" * 500), 422, "invalid_input")) < 200
