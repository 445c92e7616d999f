"""The process that checks files of models: its limits, its life and its end."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from model_files import check_tokenizer, gpt2_tokenizer, slow_tokenizer
from worlds import until

from headscope.errors import Busy, CorruptModel
from headscope.models.checker import process
from headscope.models.checker.process import Checker


@pytest.fixture
def checker():
    made = Checker()
    yield made
    made.stop()


@pytest.mark.fault(46, decides=True)
def test_a_check_that_takes_too_much_memory_ends_the_process_and_not_the_server(checker):
    checker.memory_bytes = 200 * 2**20
    with pytest.raises(CorruptModel, match=r"tokenizer\.json takes more than 200 MB of memory to check"):
        check_tokenizer(checker, slow_tokenizer())
    check_tokenizer(checker, gpt2_tokenizer())


@pytest.mark.fault(46)
def test_a_check_that_takes_too_much_processor_time_is_ended(checker):
    checker.cpu_seconds = 0
    with pytest.raises(CorruptModel, match=r"tokenizer\.json takes more than 0 seconds of CPU time to check"):
        check_tokenizer(checker, slow_tokenizer())


@pytest.mark.fault(46)
def test_a_check_that_does_not_end_is_ended_by_its_deadline(checker):
    checker.seconds = 0.2
    with pytest.raises(CorruptModel, match=r"tokenizer\.json takes more than 0\.2 seconds to check"):
        check_tokenizer(checker, slow_tokenizer())
    checker.seconds = 60
    check_tokenizer(checker, gpt2_tokenizer())


@pytest.mark.fault(46)
@pytest.mark.skipif(sys.platform != "linux", reason="other systems choose by themselves")
def test_where_memory_is_short_the_process_is_ended_before_the_server(checker):
    checker.config(b"{}", "config.json")
    ours, its = (int(Path(f"/proc/{who}/oom_score_adj").read_text()) for who in ("self", checker.process.pid))
    assert its > ours


def test_a_tokenizer_that_has_passed_is_not_tried_again_for_the_same_model(checker):
    for _ in range(2):
        check_tokenizer(checker, gpt2_tokenizer())
    assert checker.used == 1
    check_tokenizer(checker, gpt2_tokenizer(), embeddings=301)
    assert checker.used == 2


def test_a_process_that_takes_much_memory_is_replaced(checker):
    checker.kept_bytes = 1
    check_tokenizer(checker, gpt2_tokenizer())
    assert checker.process is None
    checker.config(b"{}", "config.json")


def test_one_process_serves_all_checks_until_it_has_served_enough(checker):
    checker.uses = 2
    found = []
    for _ in range(3):
        checker.config(b"{}", "config.json")
        found.append(checker.process.pid)
    assert found[0] == found[1] != found[2]


def test_a_process_that_has_died_is_replaced(checker):
    checker.config(b"{}", "config.json")
    checker.process.kill()
    checker.process.wait()
    assert checker.config(b'{"a": 1}', "config.json") == {"a": 1}


def killed_during_checks(monkeypatch, times):
    """The process is killed during so many checks, as the system does where memory is short. A list of the checks."""
    checks, exchange = [], process.exchange

    def kill_first(child, *rest):
        checks.append(child.pid)
        if len(checks) <= times:
            child.kill()
        return exchange(child, *rest)

    monkeypatch.setattr(process, "exchange", kill_first)
    return checks


def test_a_check_whose_process_is_killed_from_outside_is_tried_once_more(checker, monkeypatch):
    checks = killed_during_checks(monkeypatch, 1)
    assert checker.config(b'{"a": 1}', "config.json") == {"a": 1}
    assert len(set(checks)) == 2


def test_a_check_whose_process_is_killed_twice_is_refused(checker, monkeypatch):
    checks = killed_during_checks(monkeypatch, 2)
    with pytest.raises(CorruptModel, match=r"config\.json could not be checked: .* killed twice.* short of memory"):
        checker.config(b"{}", "config.json")
    assert len(checks) == 2
    assert checker.config(b"{}", "config.json") == {}


def test_checks_of_several_threads_do_not_mix(checker):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: checker.config(b'{"n": %d}' % n, "config.json"), range(20)))
    assert [answer["n"] for answer in answers] == list(range(20))


def test_the_process_sees_no_secrets(checker, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    checker.config(b"{}", "config.json")
    environment = Path(f"/proc/{checker.process.pid}/environ")
    if not environment.exists():
        pytest.skip("only Linux shows the environment of a process")
    assert b"PATH=" in environment.read_bytes()
    assert b"hf_secret" not in environment.read_bytes()


def test_without_a_process_nothing_is_loaded(checker, monkeypatch):
    def refuse(*_, **__):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(process.subprocess, "Popen", refuse)
    with pytest.raises(Busy, match="no process to check the model's files can be started: Resource temporarily"):
        check_tokenizer(checker, gpt2_tokenizer())


@pytest.mark.parametrize("how", ["", "os._exit(0)", "os.kill(os.getpid(), 9)"], ids=["ends", "exits", "is killed"])
def test_the_process_ends_with_the_one_that_started_it(how):
    script = f"""
import os
from headscope.models.checker.process import CHECKER
CHECKER.config(b"{{}}", "config.json")
print(CHECKER.process.pid, flush=True)
{how}
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    child = int(done.stdout)
    until(lambda: not is_running(child))


def is_running(child):
    """Also a process that has ended, until it is waited for, has a number; its command line is empty."""
    command = Path(f"/proc/{child}/cmdline")
    try:
        return b"checker.child" in command.read_bytes()
    except OSError:
        return False
