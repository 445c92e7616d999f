"""docs/api.md: the examples run, and every endpoint and every error is on the page."""

import re
import subprocess
from pathlib import Path

from worlds import every_error

from headscope.main import create_app
from headscope.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text()
DOCUMENTED_URL = "http://127.0.0.1:8000"


def blocks(language, url):
    """All examples of one language as one program with the address of this server: later examples use earlier ones."""
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)).replace(DOCUMENTED_URL, url)


def test_the_examples_in_curl_run(url, tmp_path):
    script = f"set -euo pipefail\n{blocks('bash', url)}"
    done = subprocess.run(["bash", "-x", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert '"attention":[[[[1.0,' in done.stdout
    assert (tmp_path / "attention.npz").stat().st_size > 0


def test_the_examples_in_python_run(url, capsys):
    exec(compile(blocks("python", url), "docs/api.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("ok\n")
    assert "unknown_layer layer 9: gpt2-mini has layers 0..3" in printed


def test_every_endpoint_is_on_the_page():
    paths = create_app(Settings()).openapi()["paths"]
    assert [path for path in paths if f"{path}`" not in PAGE] == []


def errors_table():
    found = sorted((error for error in every_error()), key=lambda error: (error.status, error.code))
    rows = [f"| {error.status} | `{error.code}` | {error.title} |" for error in found]
    return "\n".join(["| status | code | title |", "|---|---|---|", *rows])


def test_the_page_names_the_errors_with_retry_after():
    sentence = re.search(r"The errors ([^.]*?) are temporary: they have the header `Retry-After`", PAGE).group(1)
    assert set(re.findall(r"`(\w+)`", sentence)) == {
        error.code for error in every_error() if "Retry-After" in error.headers
    }


def test_every_error_is_on_the_page():
    written = re.search(r"<!-- errors -->\n(.*?)\n?<!-- /errors -->", PAGE, re.DOTALL).group(1)
    assert written == errors_table(), f"the table is:\n{errors_table()}"
