"""The files of the page are compressed, without comments and indentation that a browser ignores."""

import gzip
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Semaphore

import pytest

from headscope.web.assets import COMPRESS, IGNORED, asset

ROOT = Path(__file__).resolve().parents[2]


SCRIPT = """/** What it does. */
import { a } from "./a.js";

/**
 * At length.
 *
 * @param {string} url
 */
export function b(url) {
  // Why.
  const [one, two] = [`${url} // of ${`${a} /** x */`}`, /\\/\\*/.test(url)]; // beside it
  /** @type {number} */ (one) = 1;
  /** At its end. */
  return { /** @type {number} */ one, two };
}
"""
SENT = """import { a } from "./a.js";
export function b(url) {
const [one, two] = [`${url} // of ${`${a} /** x */`}`, /\\/\\*/.test(url)]; // beside it
/** @type {number} */ (one) = 1;
return { /** @type {number} */ one, two };
}
"""


def test_comment_lines_and_indentation_are_removed_from_scripts(tmp_path):
    script = tmp_path / "a.js"
    script.write_text(SCRIPT)
    assert asset(script, 1).body.decode() == SENT


def test_comments_and_indentation_are_removed_from_style_sheets(tmp_path):
    sheet = tmp_path / "sheet.css"
    sheet.write_text('/* One\n   comment. */\na {\n  color: red; /* end */\n}\n\nb::after {\n  content: " *";\n}\n')
    assert asset(sheet, 0).body == b'a {\ncolor: red; }\nb::after {\ncontent: " *";\n}\n'


def test_no_style_sheet_has_a_comment_sign_in_a_string():
    for sheet in (ROOT / "static" / "css").rglob("*.css"):
        assert re.findall(r"""(["'])(?:(?!\1).)*/\*(?:(?!\1).)*\1""", sheet.read_text()) == []


def test_no_script_has_a_multi_line_template_whose_indentation_would_be_text():
    for script in (ROOT / "static" / "js").rglob("*.js"):
        for line in IGNORED[".js"].sub(b"", script.read_bytes()).decode().splitlines():
            assert line.count("`") % 2 == 0, f"{script.name}: {line.strip()}"


def test_a_changed_file_is_read_again(tmp_path):
    page = tmp_path / "a.css"
    for time, rule in enumerate((b"a {}", b"b {}")):
        page.write_bytes(rule)
        assert gzip.decompress(asset(page, time).form("gzip")) == asset(page, time).body == rule


NAMES = ["/static/js/main.js", "/static/css/base.css", "/", "/docs", "/docs/glossary"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("br, gzip", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", None),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_compressed_as_the_client_accepts(client, name, accepted, encoding):
    whole = client.get(name, headers={"Accept-Encoding": "identity"})
    found = client.get(name, headers={"Accept-Encoding": accepted})
    assert found.headers.get("content-encoding") == encoding
    assert found.headers["vary"] == whole.headers["vary"] == "Accept-Encoding"
    assert found.content == whole.content
    if encoding:
        assert int(found.headers["content-length"]) < len(whole.content)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_an_etag_of_its_content(client, name):
    etag = client.get(name).headers["etag"]
    assert client.get(name, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(name, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_file_is_compressed_once_for_all_that_wait_and_does_not_delay_other_files(monkeypatch, tmp_path):
    begun, go_on, calls = Semaphore(0), Event(), []

    def compress(body):
        calls.append(body)
        begun.release()
        assert body == b"short" or go_on.wait(60)
        return body

    monkeypatch.setitem(COMPRESS, "br", compress)
    for name in ("long", "short"):
        (tmp_path / name).write_text(name)
    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(lambda: asset(tmp_path / "long", 0).encoded("br")) for _ in range(5)]
        begun.acquire()
        assert pool.submit(lambda: asset(tmp_path / "short", 0).encoded("br")).result(60)[0] == b"short"
        go_on.set()
        assert {each.result(60)[0] for each in waiting} == {b"long"}
    assert sorted(calls) == [b"long", b"short"]
