"""Documents as HTML: every heading has an anchor, and links between documents lead to their addresses."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest

from headscope.analysis.table import ROW_SCORES
from headscope.web.documents import NAMES, anchor, html_of

ROOT = Path(__file__).resolve().parents[2]


def test_a_heading_gets_the_anchor_that_github_gives_it():
    assert [anchor(text) for text in ("Special tokens", "Log-sum-exp", "q, k & v?")] == [
        "special-tokens",
        "log-sum-exp",
        "q-k--v",
    ]


def test_headings_links_and_tables_become_html(tmp_path):
    (tmp_path / "x.md").write_text(
        "# A head\n\n[one](heads.md#scores), [two](https://a.example/b.md)\n\n|a|\n|---|\n|b|\n"
    )
    html = html_of(tmp_path / "x.md")
    assert '<h1 id="a-head">A head</h1>' in html
    assert '<a href="heads#scores">one</a>, <a href="https://a.example/b.md">two</a>' in html
    assert "<td>b</td>" in html


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.anchors, self.targets = set(), []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.anchors.add(found.get("id"))
        if tag == "a":
            self.targets.append(found["href"])


def links_of(html):
    parser = Links()
    parser.feed(html)
    return parser


@pytest.mark.parametrize("name", NAMES)
def test_every_link_of_a_document_leads_to_an_anchor_that_exists(client, name):
    pages = {f"/docs/{other}": links_of(client.get(f"/docs/{other}").text) for other in NAMES}
    for target in pages[f"/docs/{name}"].targets:
        if target.startswith("https://"):
            continue
        path, _, fragment = urljoin(f"/docs/{name}", target).partition("#")
        assert path in ("/", "/docs", *pages), target
        assert not fragment or fragment in pages[path].anchors, target


def test_the_glossary_explains_every_score(client):
    known = links_of(client.get("/docs/glossary").text).anchors
    assert [score.title for score in ROW_SCORES if anchor(score.title) not in known] == []


def test_every_definition_that_the_page_links_is_in_the_glossary(client):
    known = links_of(client.get("/docs/glossary").text).anchors
    linked = re.findall(r'href="/docs/glossary#([^"]+)"', client.get("/").text)
    assert len(linked) >= 6
    assert set(linked) <= known


def test_every_definition_that_the_scripts_link_is_in_the_glossary(client):
    known = links_of(client.get("/docs/glossary").text).anchors
    for path in [*ROOT.glob("static/js/**/*.js"), *ROOT.glob("app/**/*.py")]:
        for fragment in re.findall(r"/docs/glossary#([\w-]+)", path.read_text()):
            assert fragment in known, f"{path.relative_to(ROOT)} links /docs/glossary#{fragment}"


def test_another_document_is_not_found(client):
    assert client.get("/docs/architecture").status_code == 404
