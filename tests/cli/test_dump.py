import csv
import errno
import io
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from typer import Exit
from typer.testing import CliRunner
from worlds import whole_maps

from headscope.capture.capture import run
from headscope.cli.command import cli
from headscope.cli.dump import parse_numbers
from headscope.cli.input import prompt_from
from headscope.cli.output import replace_file

TEXT = "The cat sat on the mat."


@pytest.fixture
def dump(models_dir):
    def invoke(*arguments, model="local:gpt2", **options):
        command = ["dump", "--models-dir", str(models_dir), "--model", model, *map(str, arguments)]
        return CliRunner().invoke(cli, command, **options)

    return invoke


@pytest.fixture
def posted(client):
    """The answer of the server to the same request."""
    return lambda **body: client.post("/api/v1/attention", json={"text": TEXT, **body}).json()


def test_stdout_is_the_json_of_the_api(dump, posted):
    result = dump(TEXT, "--layers", "0,2", "--heads", "1-3", "--decimals", "3")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == posted(layers=[0, 2], heads=[1, 2, 3], decimals=3)


def test_flags_have_the_effect_of_the_fields_of_the_api(dump, posted):
    result = dump("a dog", "--pair", "the park " * 60, "--quantity", "scores", "--truncate", model="local:bert")
    output = posted(text="a dog", text_pair="the park " * 60, quantity="scores", truncate=True, model="local:bert")
    assert output["tokens_dropped"] > 0
    assert json.loads(result.stdout) == output


def test_npz_and_safetensors_contain_the_arrays_and_facts_of_the_api(dump, posted, tmp_path):
    output = posted(layers=[1])
    for name in ("a.npz", "a.safetensors"):
        assert dump(TEXT, "--layers", "1", "-o", tmp_path / name).exit_code == 0
    with np.load(tmp_path / "a.npz") as npz:
        held = dict(npz)
    np.testing.assert_allclose(held["attention"], output["attention"], atol=1e-6)  # six decimals in JSON
    assert json.loads(str(held["metadata"]))["capture"] == output["capture"]
    with safe_open(tmp_path / "a.safetensors", "np") as tensors:
        np.testing.assert_array_equal(tensors.get_tensor("attention"), held["attention"])
        assert json.loads(tensors.metadata()["tokens"]) == output["tokens"]


def test_verify_adds_the_certificate(dump):
    certificate = json.loads(dump(TEXT, "--verify", "--layers", "0").stdout)["certificate"]
    assert max(certificate["max_abs_error"]) <= 1e-5


def test_csv_has_a_row_for_every_weight(dump, loaded, tmp_path):
    assert dump(TEXT, "--layers", "2", "--heads", "0,3", "-o", tmp_path / "a.csv").exit_code == 0
    capture = run(loaded("local:gpt2"), TEXT)
    size = len(capture.tokens)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["layer", "head", "query", "query_token", "key", "key_token", "weight"]
    weights = np.array([float(row["weight"]) for row in rows]).reshape(1, 2, size, size)
    np.testing.assert_allclose(weights, whole_maps(capture, [2], [0, 3]), atol=1e-6)
    places = [(int(row["head"]), int(row["query"]), int(row["key"])) for row in rows]
    assert places == [(head, i, j) for head in (0, 3) for i in range(size) for j in range(size)]
    for row in rows:
        assert row["query_token"] == capture.tokens[int(row["query"])].text
        assert row["key_token"] == capture.tokens[int(row["key"])].text


def test_csv_of_several_blocks_of_rows_is_complete(dump, monkeypatch):
    whole_table = dump(TEXT, "--format", "csv").stdout
    monkeypatch.setattr("headscope.export.tables.ROWS_PER_BLOCK", 2)
    assert dump(TEXT, "--format", "csv").stdout == whole_table


@pytest.mark.parametrize("text", ['a "dog", a cat', "a\ncat\r\n", "=1+1"])
def test_csv_quotes_tokens_with_commas_quotes_and_line_breaks(dump, loaded, text):
    rows = csv.DictReader(io.StringIO(dump(text, "--format", "csv", "--layers", "0", "--heads", "0").stdout))
    tokens = [token.text for token in run(loaded("local:gpt2"), text).tokens]
    assert [row["key_token"] for row in rows] == tokens * len(tokens)


def test_a_dash_reads_the_text_from_stdin_without_the_line_break_of_echo(dump, posted):
    assert json.loads(dump("-", input=f"{TEXT}\n").stdout) == posted()


def test_the_format_option_takes_precedence_over_the_file_ending(dump, tmp_path):
    dump(TEXT, "--format", "json", "--layers", "0", "-o", tmp_path / "a.npz")
    assert json.loads((tmp_path / "a.npz").read_text())["layers"] == [0]


def test_numbers_can_be_lists_and_ranges():
    assert parse_numbers("--layers", "0,5") == [0, 5]
    assert parse_numbers("--layers", "0-3, 7") == [0, 1, 2, 3, 7]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["", "--layers", "0"], 2, "text is empty: send at least one character"),
        (["cat " * 60], 2, "at most 40"),
        ([TEXT, "--layers", "3"], 2, "layer 3: local:gpt2 has layers 0..2"),
        ([TEXT, "--layers", "3-1"], 2, "--layers 3-1: write numbers from 0 to 1023, like 0,5 or 0-3"),
        ([TEXT, "--heads", "a"], 2, "--heads a: write numbers"),
        ([TEXT, "--heads", "0-2,1"], 2, "--heads 0-2,1: name each number once"),
        ([TEXT, "--pair", "b"], 2, "send one text"),
        ([TEXT, "--model", "local:nobody"], 2, "no model 'local:nobody'"),
        ([TEXT, "-o", "a.txt"], 2, "a.txt: use the ending .json, .npz, .safetensors, .csv, or give --format"),
        ([TEXT, "-o", "/no/such/a.json"], 2, "/no/such/a.json: there is no folder /no/such"),
        (
            [TEXT, "-o", "/tmp/no-such.json/"],
            2,
            "/tmp/no-such.json/: this is the name of a folder: add the name of a file",
        ),
        ([TEXT, "-o", "no-such/.", "--format", "json"], 2, "no-such/.: this is the name of a folder"),
        ([TEXT, "--format", "csv", "--verify"], 2, "csv cannot hold a certificate"),
        ([TEXT, "-o", "/", "--format", "json"], 1, "/: Is a directory"),
        (["\udcff"], 2, "the text is not UTF-8"),
    ],
)
def test_an_error_is_printed_as_one_line(dump, arguments, status, message):
    result = dump(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr.startswith("headscope: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def test_stdin_that_is_not_utf8_is_refused(dump):
    result = dump("-", input=b"caf\xe9")
    assert (result.exit_code, result.stderr) == (2, "headscope: byte 3 of stdin is not UTF-8\n")


def test_no_more_is_read_from_stdin_than_a_text_may_have(monkeypatch, capsys):
    stdin = io.BytesIO(b"x" * 100_000)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stdin))
    with pytest.raises(Exit) as ended:
        prompt_from("-", None, truncate=False, max_characters=1000)
    assert (ended.value.exit_code, stdin.tell()) == (2, 4003)
    message = "headscope: stdin has more than 1,000 characters: shorten the text, or raise HEADSCOPE_MAX_CHARACTERS\n"
    assert capsys.readouterr().err == message


@pytest.mark.parametrize(("text", "code"), [("😀" * 9 + "\r\n", 0), ("x" * 10, 2)])
def test_stdin_may_have_as_many_characters_as_any_text(dump, text, code):
    assert dump("-", input=text, env={"HEADSCOPE_MAX_CHARACTERS": "9"}).exit_code == code


def test_a_model_that_cannot_be_used_exits_with_1_and_writes_no_file(models_dir, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    command = ["dump", TEXT, "--models-dir", str(tmp_path), "--model", "local:broken", "-o", str(tmp_path / "a.npz")]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 1
    assert "config.json is not JSON" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_json_has_a_limit_and_the_streamed_formats_have_none(dump):
    few = {"HEADSCOPE_MAX_CELLS": "10", "HEADSCOPE_MAX_JSON_CELLS": "10"}
    assert dump(TEXT, env=few).exit_code == 2
    for kind in ("csv", "npz", "safetensors"):
        assert dump(TEXT, "--format", kind, env=few).exit_code == 0


def test_the_limits_and_the_key_of_a_shared_server_do_not_apply(dump):
    assert dump(TEXT, env={"HEADSCOPE_HOST": "0.0.0.0"}).exit_code == 0


def test_an_existing_file_is_replaced_and_keeps_its_mode(dump, tmp_path):
    target = tmp_path / "a.json"
    target.write_text("old")
    target.chmod(0o640)
    dump(TEXT, "-o", target)
    assert json.loads(target.read_text())["capture"]
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_the_file_of_a_failed_dump_is_unchanged(dump, tmp_path):
    target = tmp_path / "a.json"
    target.write_text("old")
    assert dump(TEXT, "--layers", "9", "-o", target).exit_code == 2
    assert (target.read_text(), [path.name for path in tmp_path.iterdir()]) == ("old", ["a.json"])


def test_a_link_stays_a_link(dump, tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    dump(TEXT, "-o", tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["capture"]


@pytest.mark.fault(51)
def test_links_that_lead_to_each_other_are_an_error(dump, tmp_path):
    (tmp_path / "a.json").symlink_to(tmp_path / "b.json")
    (tmp_path / "b.json").symlink_to(tmp_path / "a.json")
    result = dump(TEXT, "-o", target := tmp_path / "a.json")
    assert (result.exit_code, result.stderr) == (1, f"headscope: {target}: {os.strerror(errno.ELOOP)}\n")


@pytest.mark.fault(51)
@pytest.mark.parametrize("method", ["open", "replace"])
def test_an_error_of_the_disk_names_the_file_that_was_asked_for(tmp_path, monkeypatch, method):
    def refuse(path, *_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    for refused in (method, "unlink"):
        monkeypatch.setattr(Path, refused, refuse)
    with pytest.raises(OSError, match="Read-only") as raised, replace_file(target := tmp_path / "a.json"):
        pass
    assert raised.value.filename == str(target)


def test_a_device_is_written_to_and_not_replaced(dump):
    assert dump(TEXT, "-o", "/dev/null", "--format", "npz").exit_code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def running(chunks, *arguments):
    """The command in another process, with these chunks instead of a model: importing torch is slow."""
    code = f"import time\nfrom headscope.cli import command, dump\n{chunks}\ncommand.run()"
    command = [sys.executable, "-c", code, "dump", TEXT, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_closed_pipe_is_not_an_error():
    with running("dump.dump_chunks = lambda *_: (b'a row\\n' * 99 for _ in range(99_999))") as process:
        assert process.stdout.readline() == b"a row\n"
        process.stdout.close()
        assert (process.stderr.read(), process.wait(60)) == (b"", 1)


@pytest.mark.fault(51)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_file_beyond_the_limit_of_the_system_is_an_error_and_not_left_unfinished(tmp_path):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"
    chunks = "dump.dump_chunks = lambda *_: (bytes(3000) for _ in range(9))"
    with running(f"{limited}\n{chunks}", "-o", target := tmp_path / "a.json") as process:
        assert process.stderr.read() == f"headscope: {target}: File too large\n".encode()
        assert process.wait(60) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(51)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_dump_exits_at_once_without_a_file_or_a_message(tmp_path, number):
    busy = "dump.dump_chunks = lambda *_: print(flush=True) or dump.run_in_thread(time.sleep, 100)"
    with running(busy, "-o", tmp_path / "a.json") as process:
        process.stdout.readline()
        assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
        process.send_signal(number)
        assert (process.stderr.read(), process.wait(60)) == (b"", 128 + number)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(51)
def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    ignored = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"  # as nohup does
    waiting = "dump.dump_chunks = lambda *_: print(flush=True) or time.sleep(0.5) or [b'{}']"
    with running(f"{ignored}\n{waiting}", "-o", tmp_path / "a.json") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
