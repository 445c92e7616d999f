"""Closed and full standard streams: an exit status and one line, never a traceback (fault 51)."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from worlds import until

pytestmark = [
    pytest.mark.fault(51),
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full"),
]

# Without a model and without torch, whose import is slow. dump and scores write more than fits into a buffer of stdout.
CODE = """
from headscope.cli import command, dump, env, scores
env.devices = lambda: "cpu"
dump.dump_chunks = lambda *_: (b"a row of weights" * 99 for _ in range(99))
scores.capture_of = lambda *_: __import__("types").SimpleNamespace(card=__import__("types").SimpleNamespace(layers=1))
scores.columns_of = lambda *_: {"layer": list(range(9999))}
command.run()
"""
COMMANDS = ["env", "models", "models --json", "dump text", "scores text --format csv", "--help", "--version"]


def run(command, redirections):
    line = f"{shlex.quote(sys.executable)} -c {shlex.quote(CODE)} {command} {redirections}"
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("redirection", "reason"), [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")]
)
def test_stdout_that_cannot_be_written_is_one_line_and_status_1(command, redirection, reason):
    done = run(command, redirection)
    assert (done.returncode, done.stderr) == (1, f"headscope: stdout: {reason}\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_without_stdin_and_stderr_a_command_does_its_work(command):
    done = run(command, "<&- 2>&-")
    assert done.returncode == 0
    assert len(done.stdout) > 10


@pytest.mark.parametrize("command", ["env", "dump text"])
def test_without_any_stream_a_command_fails_silently(command):
    assert run(command, "<&- >&- 2>&-").returncode == 1


def test_a_text_from_a_closed_stdin_is_an_error():
    done = run("dump -", "<&-")
    assert (done.returncode, done.stderr) == (2, "headscope: stdin cannot be read: Bad file descriptor\n")


@pytest.mark.parametrize("command", ["env", "models"])
def test_a_reader_that_closes_the_pipe_is_not_an_error_message(command):
    assert run(command, "| head -n 1").stderr == ""


def test_an_error_keeps_its_status_when_stdout_cannot_be_written():
    done = run("dump text --layers x", ">/dev/full")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("arguments", ["--layers x", "--no-such-option"])
def test_an_error_keeps_its_status_when_stderr_cannot_be_written(arguments):
    assert run(f"dump text {arguments}", "2>/dev/full").returncode == 2


def test_a_command_whose_streams_are_full_fails_silently():
    done = run("env", ">/dev/full 2>/dev/full")
    assert done.returncode == 1


def test_files_never_get_the_number_of_a_closed_stream():
    code = "import os; from headscope.cli.standard_streams import open_closed_streams as opened; opened(); "
    code += "print(open(os.devnull).fileno())"
    line = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} <&- 2>&-"
    assert int(subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout) > 2


SERVE = "from headscope.cli.command import run; run()"


@pytest.fixture
def refused_model(tmp_path):
    """Options of a server whose model is refused before torch is imported."""
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "config.json").write_text("{")
    return ["serve", "--no-open", "--port", "0", "--model", "local:none", "--models-dir", str(tmp_path)]


def test_a_server_without_streams_stops_with_status_0_when_its_terminal_is_closed(refused_model, tmp_path):
    line = f"exec {shlex.join([sys.executable, '-c', SERVE, *refused_model])} <&- >&- 2>&-"
    with subprocess.Popen(["bash", "-c", line]) as process:
        try:
            until(lambda: listens(process.pid))
            process.send_signal(signal.SIGHUP)
            assert process.wait(30) == 0
        finally:
            process.kill()


def listens(process):
    """Whether it has handlers for its signals, which it gets once it listens (Linux)."""
    caught = int(Path(f"/proc/{process}/status").read_text().split("SigCgt:")[1].split()[0], 16)
    return all(caught >> number - 1 & 1 for number in (signal.SIGTERM, signal.SIGHUP))
