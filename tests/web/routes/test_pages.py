import re

import pytest

from headscope.web.examples import EXAMPLES


def assets(html):
    return re.findall(r'(?:src|href|data-plotly)="(/[^"]+)"', html)


@pytest.mark.parametrize("page", ["/", "/docs", "/docs/glossary"])
def test_a_page_and_all_its_files_are_served_by_this_server(client, page):
    html = client.get(page).text
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html
    named = [path for path in assets(html) if path not in ("/", "/docs", "/docs/glossary", "/docs/heads")]
    assert named
    for path in named:
        assert client.get(path).status_code == 200, path


def test_the_page_offers_every_example_with_what_to_look_for(client):
    html = client.get("/").text
    for example in EXAMPLES:
        assert example.name in html
        assert example.look_for.split("“")[0].strip() in html


def test_plotly_is_compressed_and_immutable(client):
    html = client.get("/").text
    url = re.search(r"/vendor/[0-9a-f]{16}/plotly\.min\.js", html).group()
    response = client.get(url)
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "br"
    assert int(response.headers["content-length"]) < 2_000_000 < len(response.content)
    plain = client.get(url, headers={"Accept-Encoding": "identity"})
    assert plain.content == response.content


@pytest.mark.parametrize(
    "path", ["/vendor/0000000000000000/plotly.min.js", "/vendor/../app/settings.py", "/static/../app/settings.py"]
)
def test_nothing_else_is_served(client, path):
    response = client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_a_script_is_revalidated_and_sent_once(client):
    first = client.get("/static/js/main.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/static/js/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/readyz", "/api/v1/models", "/api/v1/attention", "/no"])
def test_head_has_the_headers_of_get_and_no_body(client, path):
    seen, whole = client.head(path), client.get(path)
    assert seen.content == b""
    assert (seen.status_code, seen.headers["content-type"]) == (whole.status_code, whole.headers["content-type"])


@pytest.mark.fault(37)
@pytest.mark.parametrize("ranges", ["0-", "0-,0-,0-,0-", ",".join(f"{n}-" for n in range(500)), "5-2", "x"])
def test_range_headers_are_ignored(client, ranges):
    whole = client.get("/static/js/main.js").content
    response = client.get("/static/js/main.js", headers={"Range": f"bytes={ranges}", "Accept-Encoding": "identity"})
    assert (response.status_code, response.content) == (200, whole)
