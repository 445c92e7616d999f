import re
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from typer.testing import CliRunner
from worlds import serving

from headscope.cli.command import cli
from headscope.cli.serve import mode
from headscope.settings import Settings

PYTHON = [sys.executable, "-c", "from headscope.cli.command import run; run()"]


def invoke(*arguments, **environment):
    return CliRunner().invoke(cli, arguments, env=environment)


def test_version_prints_the_version():
    assert re.fullmatch(r"headscope \d+\.\d+\.\d+\n", invoke("--version").output)


@pytest.mark.parametrize(
    "flag", ["--host", "--port", "--open", "--no-open", "--model", "--models-dir", "--device", "--shared", "--insecure"]
)
def test_the_help_of_serve_lists_its_flags(flag):
    assert flag in invoke("serve", "--help", COLUMNS="200", TERM="dumb").output


def test_help_shows_the_default_and_the_variable_of_a_flag():
    output = invoke("serve", "--help", COLUMNS="200", TERM="dumb").output
    assert "(default: 8000; HEADSCOPE_PORT)" in output


@pytest.mark.parametrize("command", ["serve", "dump", "scores", "models", "env"])
def test_help_never_shows_the_value_none(command):
    assert "None" not in invoke(command, "--help", COLUMNS="200", TERM="dumb").output


def test_help_does_not_import_torch():
    imports = "import sys, headscope.cli.command, headscope.main"
    code = f"{imports}; print('torch' in sys.modules, 'transformers' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output == "False False\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--port", "70000"], {}, "--port=70000: must be 65535 or less"),
        (["--device", "abacus"], {}, "--device=abacus: must be cpu, cuda, cuda:1 (a number) or mps"),
        (["--models-dir", "/no/such"], {}, "--models-dir=/no/such: there is no such folder"),
        ([], {"HEADSCOPE_MAX_TOKENS": "many"}, "HEADSCOPE_MAX_TOKENS=many: must be a whole number"),
        (["--host", "0.0.0.0"], {}, "a server that other people can reach requires a key: set HEADSCOPE_API_KEY"),
        (["--host", "0.0.0.0"], {"HEADSCOPE_API_KEY": "short"}, "HEADSCOPE_API_KEY: must have at least 16 characters"),
        (["--port", "0", "--device", "cuda:99"], {}, "--device cuda:99: torch"),
        (["--port", "0", "--model", "local:nobody"], {}, "no model 'local:nobody': there are minilm, gpt2-mini"),
    ],
)
def test_an_invalid_setting_is_named_and_exits_with_2(arguments, environment, message):
    result = invoke("serve", *arguments, **environment)
    assert result.exit_code == 2
    assert message in result.output


INTEGERS = [name for name, field in Settings.model_fields.items() if "int" in str(field.annotation) and name != "port"]


@pytest.mark.parametrize("name", INTEGERS)
def test_a_number_that_no_library_can_work_with_is_refused_at_the_start(name):
    result = invoke("models", **{f"HEADSCOPE_{name.upper()}": str(2**64)})
    assert (result.exit_code, "must be 9007199254740992 or less" in result.output) == (2, True)


def test_a_server_with_the_largest_limits_answers(models_dir):
    with serving(Settings(model="local:gpt2", models_dir=models_dir, **dict.fromkeys(INTEGERS, 2**53))) as client:
        assert client.post("/api/v1/captures", json={"text": "The cat"}).status_code == 201
        assert client.get("/metrics").status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not delete a folder that is in use")
@pytest.mark.parametrize("arguments", ["serve --no-open", "dump text", "scores text", "models", "env"])
def test_a_working_directory_that_was_deleted_is_an_error(tmp_path, arguments):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os; os.chdir({str(gone)!r}); os.rmdir({str(gone)!r}); import headscope.cli.command as c; c.run()"
    command = [sys.executable, "-c", code, *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    message = "headscope: the working directory has been deleted: change to one that exists (cd)\n"
    assert (done.returncode, done.stderr) == (1, message)


def test_an_invalid_secret_is_not_shown():
    assert "tooshort" not in invoke("serve", "--host", "0.0.0.0", HEADSCOPE_API_KEY="tooshort").output


def test_a_misspelt_variable_is_reported_with_the_right_name():
    output = invoke("serve", "--port", "0", "--model", "local:nobody", HEADSCOPE_MAX_TOKEN="5").output
    assert "HEADSCOPE_MAX_TOKEN is not a setting; did you mean HEADSCOPE_MAX_TOKENS" in output


def test_a_port_in_use_is_reported_with_what_to_do():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = invoke("serve", "--no-open", "--port", str(port))
    assert result.exit_code == 1
    assert result.output == (
        f"headscope: cannot listen on 127.0.0.1:{port}: Address already in use. "
        "Take another --port; 0 takes a free one.\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "for this machine only"),
        ({"host": "0.0.0.0", "api_key": "sixteen-letters!"}, "shared, with a key"),
        ({"host": "0.0.0.0", "insecure": True}, "shared, WITHOUT a key"),
        ({"shared": True, "api_key": "sixteen-letters!"}, "shared, with a key"),
    ],
)
def test_the_first_line_says_who_can_reach_the_server(options, message):
    assert mode(Settings(**options)) == message


def test_a_list_of_names_is_written_with_commas(monkeypatch):
    monkeypatch.setenv("HEADSCOPE_ALLOWED_HOSTS", "lab.example, 10.0.0.5")
    monkeypatch.setenv("HEADSCOPE_HUB_MODELS", "gpt2")
    assert (Settings().allowed_hosts, Settings().hub_models) == (("lab.example", "10.0.0.5"), ("gpt2",))


def test_flags_take_precedence_over_the_environment(monkeypatch):
    monkeypatch.setenv("HEADSCOPE_PORT", "9000")
    assert Settings().port == 9000
    assert Settings(port=9001).port == 9001


def test_serve_listens_on_a_free_port_answers_and_stops_while_its_model_loads(models_dir):
    command = [*PYTHON, "serve", "--no-open", "--port", "0", "--model", "local:gpt2", "--models-dir", str(models_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            url = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline()).group()
            with urllib.request.urlopen(f"{url}/healthz", timeout=30) as answer:
                assert answer.read() == b'{"status":"ok"}'
        finally:
            server.send_signal(signal.SIGTERM)
        messages = server.communicate(timeout=30)[1]
        assert server.returncode == 0
        assert "ERROR" not in messages
