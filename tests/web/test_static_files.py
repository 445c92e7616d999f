"""Paths of static files, sent as they are: a client library would resolve `..` before it sends them (fault 37)."""

import http.client
import json
from urllib.parse import urlsplit

import pytest
from worlds import running

from headscope.main import create_app
from headscope.settings import Settings

pytestmark = pytest.mark.fault(37)


@pytest.fixture(scope="module")
def address(models_dir):
    settings = Settings(model="local:gpt2", models_dir=models_dir)
    with running(create_app(settings), settings) as (url, _):
        yield urlsplit(url).netloc


def get(address, path, **headers):
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": "localhost", **headers})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app/settings.py",
        "/static/js/../../app/settings.py",
        "/static/%2e%2e/app/settings.py",
        "/static/..%2fapp%2fsettings.py",
        "/static/js/..%2f..%2fapp/settings.py",
        "/static/..%5capp%5csettings.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/js/main.js%00",
        "/static/%ff",
        "/static/" + "a" * 300,
        "/static/" + "a/" * 500,
        "/static/js",
        "/static/",
        "/vendor/../../app/settings.py",
    ],
)
def test_a_path_out_of_the_folder_is_not_found(address, path):
    status, body = get(address, path)
    assert (status, json.loads(body)["code"]) == (404, "not_found")


def test_many_ranges_of_a_file_are_answered_with_the_file_once(address):
    whole = get(address, "/static/js/main.js")
    many = ",".join(f"{n}-" for n in range(1000))
    assert get(address, "/static/js/main.js", Range=f"bytes={many}") == whole
