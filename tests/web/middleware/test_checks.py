"""The checks before the routes: faults 3, 26, 29, 30, 31 and 35."""

import json
import re
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import httpx2
import pytest
from pydantic import ValidationError
from worlds import live, serving

from headscope.settings import Settings
from headscope.web.headers import FILE_HEADERS, SECURITY_HEADERS
from headscope.web.open_paths import is_open

KEY = "a-key-that-is-long-enough"
CAPTURE = {"text": "The cat sat"}


@pytest.fixture
def shared(models_dir):
    """Makes settings of a server that other machines can reach, with changes."""

    def settings(**changes):
        options = {"host": "0.0.0.0", "api_key": KEY, "model": "local:gpt2", "models_dir": models_dir}
        return Settings(**{**options, **changes})

    return settings


def code(response):
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_a_shared_server_serves_any_host_name_by_default(shared):
    with serving(shared()) as client:
        assert client.get("/healthz", headers={"Host": "lab.example"}).status_code == 200


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:8001"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "http://localhost/path"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_write_requests_from_other_sites_are_refused(client, headers):
    for method, path in (("POST", "/api/v1/captures"), ("POST", "/api/v1/attention"), ("DELETE", "/api/v1/captures/x")):
        assert code(client.request(method, path, headers=headers)) == (403, "cross_origin")


@pytest.mark.fault(30)
@pytest.mark.parametrize(
    "headers",
    [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}],
)
def test_write_requests_from_our_page_and_from_programs_are_served(client, headers):
    assert client.post("/api/v1/captures", json=CAPTURE, headers=headers).status_code in (200, 201)


def test_a_link_from_another_site_opens_the_page(client):
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.fault(30, 31)
def test_every_response_has_the_security_headers_and_allows_no_other_origin(client):
    answers = [client.get(path) for path in ("/", "/docs", "/healthz", "/api/v1/models", "/nowhere")]
    answers.append(client.get("/", headers={"Host": "evil.example"}))
    answers.append(client.post("/api/v1/captures", json=CAPTURE))
    for answer in answers:
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/static/js/main.js", "/static/css/base.css", "/static/nowhere"])
def test_a_file_has_the_headers_of_files(client, path):
    headers = client.get(path).headers
    assert {name: headers[name] for name in FILE_HEADERS} == FILE_HEADERS
    assert "content-security-policy" not in headers


def test_a_shared_server_without_tls_sends_no_header_that_browsers_warn_about(shared):
    with serving(shared()) as client:
        plain, proxied = client.get("/"), client.get("https://localhost/")
    assert plain.headers.keys() & {name.lower() for name in SECURITY_HEADERS} == {
        name.lower() for name in SECURITY_HEADERS
    } - {"cross-origin-opener-policy"}
    assert proxied.headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.fault(3)
def test_a_content_length_above_the_limit_is_refused_before_the_body_is_read(client):
    headers = {"Content-Type": "application/json", "Content-Length": str(10**12)}
    response = client.post("/api/v1/attention", content=b"{", headers=headers)
    assert code(response) == (413, "body_too_large")
    assert "HEADSCOPE_MAX_BODY_BYTES" in response.json()["detail"]


@pytest.mark.fault(3)
def test_a_body_without_content_length_is_counted_and_refused_in_the_same_way(settings):
    chunks = (b" " * 1000 for _ in range(100))
    with serving(settings.model_copy(update={"max_body_bytes": 10_000})) as client:
        declared = client.post("/api/v1/attention", content=b" " * 10_001, headers={"Content-Type": "application/json"})
        counted = client.post("/api/v1/attention", content=chunks, headers={"Content-Type": "application/json"})
    assert "content-length" not in counted.request.headers
    assert code(declared) == code(counted) == (413, "body_too_large")
    assert declared.json() == counted.json()


@pytest.mark.fault(26)
def test_a_long_address_and_long_headers_are_refused(client):
    assert code(client.get("/?" + "a" * 9000)) == (414, "address_too_long")
    assert code(client.get("/" + "a" * 9000)) == (414, "address_too_long")
    assert code(client.get("/", headers={"X-Long": "a" * 20_000})) == (431, "headers_too_large")


@pytest.mark.fault(41)
def test_many_small_headers_are_refused(client):
    assert code(client.get("/", headers=[(f"a{n}", "") for n in range(110)])) == (431, "headers_too_large")
    assert code(client.get("/", headers=[(f"a{n}", "b" * 170) for n in range(95)])) == (431, "headers_too_large")


def test_a_shared_server_needs_a_key_or_insecure(models_dir):
    with pytest.raises(ValidationError, match="HEADSCOPE_API_KEY"):
        Settings(host="0.0.0.0")
    assert Settings(host="0.0.0.0", insecure=True).shared
    assert not Settings(host="127.0.0.1").shared
    assert not Settings(host="localhost").shared
    assert Settings(host="lab.example", api_key=KEY).shared


def test_a_server_on_a_loopback_address_can_be_shared(models_dir, monkeypatch):
    with pytest.raises(ValidationError, match="HEADSCOPE_API_KEY"):
        Settings(shared=True)
    assert Settings(shared=True, api_key=KEY).max_characters == Settings(host="0.0.0.0", api_key=KEY).max_characters
    monkeypatch.setenv("HEADSCOPE_SHARED", "1")
    monkeypatch.setenv("HEADSCOPE_API_KEY", KEY)
    assert Settings().shared
    assert Settings().hub_models == ()
    assert not Settings(shared=False).shared


def test_a_server_that_other_machines_can_reach_is_always_shared():
    with pytest.raises(ValidationError, match="leave out --no-shared"):
        Settings(host="0.0.0.0", shared=False)


def test_an_invalid_value_of_shared_is_reported_for_its_field():
    with pytest.raises(ValidationError) as error:
        Settings(shared="perhaps")
    assert [one["loc"] for one in error.value.errors()] == [("shared",)]


def test_a_shared_server_on_a_loopback_address_limits_requests(shared):
    headers = {"Authorization": f"Bearer {KEY}", "Host": "lab.example"}
    with serving(shared(host="127.0.0.1", shared=True, requests_per_minute=3)) as client:
        answers = [client.get("/api/v1/models", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_a_shared_server_has_lower_limits_by_default(shared):
    assert shared().max_characters < Settings().max_characters
    assert shared(max_characters=7).max_characters == 7


@pytest.mark.fault(35)
def test_every_route_except_the_listed_ones_requires_the_key(shared):
    listed = {"/", "/docs", "/openapi.json", "/healthz", "/readyz", "/vendor/{digest}/{name}", "/docs/{name}"}
    with serving(shared()) as client:
        paths = set(client.app.openapi()["paths"]) | listed
        assert {path for path in paths if is_open(path)} == listed
        assert client.get("/docs/glossary").status_code == 200
        for path in paths - listed:
            for method in client.app.openapi()["paths"][path]:
                assert code(client.request(method, path)) == (401, "key_refused"), path
        assert client.get("/").status_code == 200


@pytest.mark.fault(35)
@pytest.mark.parametrize(
    "sent", ["", KEY, f"Basic {KEY}", f"Bearer {KEY[:-1]}", f"Bearer {KEY}x", "Bearer ", "Bearer clé"]
)
def test_a_wrong_key_is_refused_without_showing_the_right_one(shared, sent):
    with serving(shared()) as client:
        response = client.get("/api/v1/models", headers={"Authorization": sent.encode()})
    assert code(response) == (401, "key_refused")
    assert KEY not in response.text
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.fault(35)
def test_the_key_is_read_from_the_header_and_not_from_the_address(shared):
    with serving(shared()) as client:
        assert client.get("/api/v1/models", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
        assert code(client.get(f"/api/v1/models?api_key={KEY}")) == (401, "key_refused")


@pytest.mark.fault(35)
def test_the_key_is_not_in_the_repr_of_the_settings(shared):
    assert KEY not in repr(shared())


@pytest.mark.parametrize("key", ["a key with spaces in it", "a-key-of-two\nlines-of-it", "ключ-из-шестнадцати-букв"])
def test_a_key_that_a_header_cannot_contain_is_refused_at_the_start(shared, key):
    with pytest.raises(ValidationError, match="must consist of ASCII"):
        shared(api_key=key)


@pytest.mark.fault(3)
def test_a_client_that_is_still_sending_a_too_long_body_gets_the_error(shared):
    body = b'{"text": "' + b"x" * 4 * 2**20 + b'"}'
    with live(shared(insecure=True, api_key=None, max_body_bytes=1000)) as url:
        request = Request(f"{url}/api/v1/captures", body, {"Content-Type": "application/json"})
        with pytest.raises(HTTPError, match="413") as refused:  # a connection reset if the response comes too soon
            urlopen(request)
        assert json.load(refused.value)["code"] == "body_too_large"


def test_the_rate_limit_is_per_client(shared):
    headers = {"Authorization": f"Bearer {KEY}"}
    with serving(shared(requests_per_minute=3)) as client:
        answers = [client.get("/api/v1/models", headers=headers) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200


@pytest.mark.fault(51)
def test_requests_with_a_wrong_key_do_not_use_up_the_rate_of_the_right_one(shared):
    with serving(shared(requests_per_minute=2)) as client:
        wrong = [client.get("/api/v1/models", headers={"Authorization": f"Bearer {n}"}) for n in range(5)]
        right = [client.get("/api/v1/models", headers={"Authorization": f"Bearer {KEY}"}) for _ in range(3)]
    assert [answer.status_code for answer in wrong] == [401, 401, 429, 429, 429]
    assert [answer.status_code for answer in right] == [200, 200, 429]


@pytest.mark.fault(35)
def test_requests_with_a_wrong_key_count_towards_the_rate_limit(shared):
    with serving(shared(requests_per_minute=3)) as client:
        answers = [client.get("/api/v1/models", headers={"Authorization": f"Bearer {n}"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


def test_clients_behind_a_local_proxy_are_counted_separately(shared):
    with live(shared(insecure=True, api_key=None, requests_per_minute=3)) as url:
        answers = [httpx2.get(f"{url}/api/v1/models", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 5
        answers = [httpx2.get(f"{url}/api/v1/models", headers={"X-Forwarded-For": "10.0.0.9"}) for n in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


@pytest.mark.fault(36)
def test_each_request_is_one_log_line_without_its_text(client, caplog):
    caplog.set_level("INFO", logger="headscope")
    client.post("/api/v1/captures", json={"text": "a secret word"})
    client.post("/api/v1/attention?format=secret", json={"text": "secret"})
    client.get("/secr%0Aet" + "t" * 900)
    lines = caplog.messages
    assert any(re.fullmatch(r"captured \w+: \d+ tokens by local:gpt2, \d+ bytes", line) for line in lines)
    assert any(re.fullmatch(r"POST /api/v1/captures 201 \d+ ms", line) for line in lines)
    assert any(re.fullmatch(r"POST /api/v1/attention 406 \d+ ms", line) for line in lines)
    assert any(re.fullmatch(r"GET /secr%0Aet{1,200} 404 \d+ ms", line) for line in lines)
    assert not any("secret" in line or "\n" in line for line in lines)
