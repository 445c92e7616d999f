"""README and docs: examples run, links lead somewhere, and every command, option and setting that is named exists.

Blocks marked `bash` run here, against a live server; tests/test_docs_api.py runs those of docs/api.md. Blocks marked
`sh` install, build or serve, and are checked word by word instead.
"""

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from typer.main import get_command

from headscope.cli.command import cli
from headscope.settings import SCRIPT_VARIABLES, Settings
from headscope.web.documents import anchor

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "benchmarks/README.md"]
}
GUIDES = {name: text for name, text in DOCUMENTS.items() if name != "CHANGELOG.md"}
SERVER = "http://127.0.0.1:8000"


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(name: str) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", without_blocks(DOCUMENTS[name]), re.MULTILINE)}


# One line each: the commands take seconds to start, and a test has a time limit.
EXAMPLES = [
    pytest.param(line, id=f"{name}: {line[:30]}")
    for name, text in GUIDES.items()
    if name != "docs/api.md"
    for block in blocks(text, "bash")
    for line in block.replace("\\\n", " ").splitlines()
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example, url, tmp_path):
    script = f"set -euo pipefail\n{example.replace(SERVER, url)}"
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "curl -s " not in script, "without -f, curl succeeds where the server answers an error"
    for file in re.findall(r" -o (\S+)", script):
        assert (tmp_path / file).stat().st_size > 0, file


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(name):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(DOCUMENTS[name])):
        if target.startswith("https://"):
            continue
        path, _, heading = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), target
        assert not heading or heading in anchors(file.resolve().relative_to(ROOT).as_posix()), target


@pytest.mark.parametrize("name", GUIDES)
def test_every_make_target_that_is_named_exists(name):
    targets = set(re.findall(r"^([a-z][a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = re.findall(r"(?:`|^|\w=\S* )make ([a-z][a-z-]+)", GUIDES[name], re.MULTILINE)
    assert set(named) <= targets


@pytest.mark.parametrize("name", GUIDES)
def test_every_option_of_the_command_exists(name):
    commands = get_command(cli).commands
    for command, rest in re.findall(r"\bheadscope ([a-z]+)((?: [^`\n|]*)?)", "\n".join(code(GUIDES[name]))):
        assert command in commands, command
        options = {
            each for parameter in commands[command].params for each in [*parameter.opts, *parameter.secondary_opts]
        }
        named = set(re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest))
        assert named <= options | {"--help"}, f"headscope {command}: {named - options}"


def code(text: str) -> list[str]:
    return [*blocks(text, "(?:ba)?sh"), *re.findall(r"`([^`\n]+)`", without_blocks(text))]


@pytest.mark.parametrize("name", GUIDES)
def test_every_setting_that_is_named_exists(name):
    known = {f"HEADSCOPE_{field.upper()}" for field in Settings.model_fields} | set(SCRIPT_VARIABLES)
    assert set(re.findall(r"HEADSCOPE_[A-Z_]+[A-Z]", GUIDES[name])) <= known


@pytest.mark.parametrize("name", ["README.md", "docs/long-texts.md"])
def test_every_control_that_is_named_is_on_the_page(name, client):
    """Names of controls are in italics; some of them appear only once a text has run, so the scripts count as well."""
    page = unescape(client.get("/").text)
    page += "".join(path.read_text() for path in ROOT.glob("static/js/**/*.js"))
    named = re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", without_blocks(GUIDES[name]))
    assert named
    assert [each for each in named if each.strip() not in page] == []


def test_the_readme_is_short_enough_to_be_read():
    assert len(DOCUMENTS["README.md"].splitlines()) <= 100


def test_the_readme_lists_every_document():
    for path in ROOT.glob("docs/*.md"):
        assert f"(docs/{path.name})" in DOCUMENTS["README.md"], path.name
