"""Which Host headers are served."""

import pytest
from worlds import serving


def code(response):
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST"])
def test_local_host_names_are_served(client, host):
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


FOREIGN = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[", "::1"]
NOT_ONLY_A_HOST = ["user@localhost", "127.0.0.1:evil", "localhost:1/x", "localhost?", "localhost#", "[localhost]"]


@pytest.mark.fault(29)
@pytest.mark.parametrize("host", FOREIGN + NOT_ONLY_A_HOST)
@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/models", "/static/js/main.js", "/nowhere"])
def test_a_foreign_host_is_refused_at_every_path(client, host, path):
    assert code(client.get(path, headers={"Host": host})) == (421, "foreign_host")


@pytest.mark.fault(29)
def test_two_host_headers_are_refused(client):
    answer = client.get("/healthz", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert code(answer) == (421, "foreign_host")


def test_an_allowed_host_name_is_served(settings):
    with serving(settings.model_copy(update={"allowed_hosts": ("lab.example",)})) as client:
        assert client.get("/healthz", headers={"Host": "lab.example:8000"}).status_code == 200
        assert code(client.get("/healthz")) == (421, "foreign_host")
