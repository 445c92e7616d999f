"""The commands models and env, and completion."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from headscope.cli.command import cli
from headscope.cli.env import lines_of
from headscope.settings import Settings

PYTHON = [sys.executable, "-c", "from headscope.cli.command import run; run()"]


def invoke(*arguments, **environment):
    return CliRunner().invoke(cli, arguments, env=environment)


def test_models_are_printed_as_a_table(models_dir):
    lines = invoke("models", "--models-dir", str(models_dir)).stdout.splitlines()
    assert re.split(r"\s{2,}", lines[0]) == ["id", "layers x heads", "parameters", "source", "state"]
    assert re.split(r"\s{2,}", lines[1]) == ["minilm", "6 x 12", "22,713,216", "bundled", "available"]
    [tiny] = [line for line in lines if line.startswith("local:gpt2 ")]
    assert re.split(r"\s{2,}", tiny) == ["local:gpt2", "?", "?", "local", "available"]


def test_a_folder_that_is_not_a_model_is_reported_with_what_it_lacks(tmp_path):
    (tmp_path / "a b").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("of no concern")
    output = invoke("models", "--models-dir", str(tmp_path))
    lines = output.stderr.splitlines()
    assert [line.split(" in ")[0] for line in lines] == ["'a b'", "'empty'"]
    assert "is not offered: a model folder contains a readable config.json" in lines[0]
    assert "not offered" not in output.stdout


@pytest.mark.fault(45, 46)
def test_names_of_folders_cannot_control_the_terminal(tmp_path):
    names = ["\x1b]0;title\x07\x1b[2Jred", "two\nlines", "left\u202eright"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    output = invoke("models", "--models-dir", str(tmp_path))
    for lines in (output.stdout.splitlines(), output.stderr.splitlines()):
        assert all(line.isprintable() for line in lines)
        assert sum(r"\x1b[2Jred" in line or r"two\nlines" in line or r"left\u202eright" in line for line in lines) == 3


def test_models_as_json_are_the_answer_of_the_api(client, models_dir):
    output = json.loads(
        invoke("models", "--json", "--models-dir", str(models_dir), HEADSCOPE_MODEL="local:gpt2").stdout
    )
    posted = client.get("/api/v1/models").json()
    assert output["default"] == posted["default"]
    assert [card["id"] for card in output["models"]] == [card["id"] for card in posted["models"]]
    assert [set(card) for card in output["models"]] == [set(card) for card in posted["models"]]


def test_env_prints_versions_devices_and_every_setting():
    output = invoke("env").stdout
    for name in ("python", "headscope", "torch", "transformers"):
        assert re.search(rf"^{name} +\d", output, re.MULTILINE)
    assert re.search(r"^devices +cpu", output, re.MULTILINE)
    assert all(f"HEADSCOPE_{name.upper()} " in output for name in Settings.model_fields)


def test_env_prints_the_source_of_a_setting(monkeypatch):
    monkeypatch.setenv("HEADSCOPE_PORT", "9000")
    lines = [re.sub(" +", " ", line) for line in lines_of(Settings(), os.environ)]
    assert "HEADSCOPE_PORT 9000 (environment)" in lines
    assert "HEADSCOPE_HOST 127.0.0.1 (default)" in lines


def test_env_never_prints_the_key(monkeypatch):
    assert re.search(r"HEADSCOPE_API_KEY +not set  \(default\)", "\n".join(lines_of(Settings(), {})))
    monkeypatch.setenv("HEADSCOPE_API_KEY", "sixteen-letters!")
    output = "\n".join(lines_of(Settings(), os.environ))
    assert re.search(r"HEADSCOPE_API_KEY +set  \(environment\)", output)
    assert "sixteen" not in output


@pytest.mark.parametrize(
    ("line", "offered"),
    [("headscope ", {"serve", "dump", "scores", "models", "env"}), ("headscope dump --quant", {"--quantity"})],
)
def test_bash_completes_commands_and_flags(line, offered):
    """Runs what the script of --show-completion runs when the key is pressed."""
    environment = {"_HEADSCOPE_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run(PYTHON, env=os.environ | environment, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offered


WAIT_FOR_IMPORT = """
import sys, time
class Finder:
    def find_spec(self, name, *_):
        if name == "{module}":
            print("importing", flush=True)
            time.sleep(100)
sys.meta_path.insert(0, Finder())
from headscope.cli.entry import run
run()
"""


@pytest.mark.fault(51)
@pytest.mark.parametrize(
    ("command", "module", "number"),
    [
        ("serve", "typer", signal.SIGINT),
        ("serve", "typer", signal.SIGTERM),
        ("serve", "typer", signal.SIGHUP),
        ("env", "torch", signal.SIGINT),
    ],
)
def test_a_signal_during_the_imports_ends_a_command_without_a_traceback(command, module, number):
    python = [sys.executable, "-c", WAIT_FOR_IMPORT.format(module=module), command]
    with subprocess.Popen(python, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert b"importing\n" in iter(process.stdout.readline, b"")
        process.send_signal(number)
        assert (process.stderr.read(), process.wait(60)) == (b"", 128 + number)


def test_the_help_lists_the_completion_options():
    assert {"--install-completion", "--show-completion"} <= set(invoke("--help", TERM="dumb").stdout.split())


def test_bash_can_parse_the_completion_script():
    expected = os.environ | {"_HEADSCOPE_COMPLETE": "source_bash"}
    script = subprocess.run(PYTHON, env=expected, capture_output=True, text=True, check=True).stdout
    assert "_HEADSCOPE_COMPLETE=complete_bash" in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
