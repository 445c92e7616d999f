"""Foreign models are checked and tried in a process of its own: what it finds, what it survives, and how it ends."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel, WordPiece
from tokenizers.normalizers import NFKC, Lowercase, Prepend, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import BertProcessing, TemplateProcessing
from worlds import byte_level, until, word_piece

from headscope.errors import Busy, CorruptModel, WeightsDoNotFit
from headscope.models.checker import process
from headscope.models.checker.process import CHECKER, Checker
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")

HOSTILE = [
    "swells",
    "steps",
    "regex swells",
    "prepend",
    "gives up",
    "repeats",
    "no unk",
    "no word",
    "segment",
    "empty",
    "cut",
    "bytes",
    "nested",
]


@pytest.fixture
def checker():
    made = Checker()
    yield made
    made.stop()


def data_of(tokenizer):
    return tokenizer.to_str().encode()


def check(checker, tokenizer, embeddings=300, segments=2, pairs=False):
    data = tokenizer if isinstance(tokenizer, bytes) else data_of(tokenizer)
    checker.tokenizer(data, embeddings=embeddings, segments=segments, pairs=pairs)


def gpt2(**parts):
    tokenizer = Tokenizer.from_str(byte_level().to_str())
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer


def bert(**parts):
    tokenizer = word_piece()
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer


def slow():
    return gpt2(normalizer=Normalizers([NFKC()] * 5000))


def template(single, pair="$A $B", **ids):
    return TemplateProcessing(single=single, pair=pair, special_tokens=list(ids.items()))


@pytest.mark.parametrize(("tokenizer", "pairs"), [(gpt2, False), (bert, False), (bert, True)])
def test_a_sound_tokenizer_is_accepted(tokenizer, pairs):
    check(CHECKER, tokenizer(), pairs=pairs)


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        (gpt2(normalizer=Replace("x", "y" * 10**6)), "1,000,000 times longer"),
        (gpt2(normalizer=Normalizers([Replace("a", "aa")] * 10)), "1,024 times longer"),
        (gpt2(normalizer=Normalizers([Replace(Regex(""), "z" * 99), Lowercase()])), "100 times longer"),
        (gpt2(normalizer=Prepend("p" * 10**5)), "100,001 times longer"),
        (gpt2(pre_tokenizer=Split(Regex(r"(a|aa)+$"), "isolated")), "fails on .*: Onig: .*retry-limit"),
        (gpt2(post_processor=template(" ".join(["$A"] * 40))), "tokens of .*: at most"),
        (Tokenizer(WordPiece({"a": 0}, unk_token="[UNK]")), r"fails on .*Missing \[UNK\] token"),
        (Tokenizer(WordLevel({"a": 0}, unk_token="[UNK]")), r"fails on .*\[UNK\]"),
        (gpt2(post_processor=template("$A:9")), "the segment 9: this model has 0..1"),
        (b"{}", "cannot be read"),
        (b'{"version": "1.0"', "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[" * 10**6, "cannot be read"),
    ],
    ids=[
        "swells",
        "swells in steps",
        "regex swells",
        "prepend",
        "gives up",
        "repeats",
        "no unk",
        "no word",
        "segment",
        "empty",
        "cut",
        "bytes",
        "nested",
    ],
)
def test_a_hostile_tokenizer_is_refused_with_the_reason(tokenizer, expected):
    with pytest.raises(CorruptModel, match=rf"tokenizer\.json .*{expected}"):
        check(CHECKER, tokenizer)


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("tokenizer", "segments", "expected"),
    [
        (bert(post_processor=BertProcessing(("[SEP]", 9999), ("[CLS]", 2))), 2, "the token 9999 for an empty text"),
        (
            bert(post_processor=template("[A] $A", "$A $B:1 [B]:1", **{"[A]": 2, "[B]": 8888})),
            2,
            "the token 8888 for a pair",
        ),
    ],
    ids=["single", "pair"],
)
def test_ids_beyond_the_vocabulary_are_refused(tokenizer, segments, expected):
    with pytest.raises(WeightsDoNotFit, match=rf"{expected}.*config\.json has embeddings for 0\.\.299"):
        check(CHECKER, tokenizer, segments=segments, pairs=True)


@pytest.mark.fault(46)
def test_a_segment_that_the_model_does_not_have_is_refused():
    with pytest.raises(CorruptModel, match=r"the segment 1: this model has 0\.\.0"):
        check(CHECKER, bert(), segments=1, pairs=True)


def test_normalizers_of_well_known_models_are_accepted():
    check(
        CHECKER, gpt2(normalizer=Normalizers([Prepend("▁"), Replace(" ", "▁"), NFKC(), Replace(Regex(" {2,}"), " ")]))
    )


# Limits


@pytest.mark.fault(46)
def test_a_check_that_takes_too_much_memory_ends_the_process_and_not_the_server(checker):
    checker.memory_bytes = 200 * 2**20
    with pytest.raises(CorruptModel, match=r"tokenizer\.json takes more than 200 MB of memory to check"):
        check(checker, gpt2(post_processor=template(" ".join(["$A"] * 100_000))))
    check(checker, gpt2())


@pytest.mark.fault(46)
def test_a_check_that_takes_too_much_processor_time_is_ended(checker):
    checker.cpu_seconds = 0
    with pytest.raises(CorruptModel, match=r"tokenizer\.json takes more than 0 seconds of CPU time to check"):
        check(checker, slow())


@pytest.mark.fault(46)
def test_a_check_that_does_not_end_is_ended_by_its_deadline(checker):
    checker.seconds = 0.2
    with pytest.raises(CorruptModel, match=r"tokenizer\.json takes more than 0\.2 seconds to check"):
        check(checker, slow())
    checker.seconds = 60
    check(checker, gpt2())


@pytest.mark.fault(46)
def test_words_of_any_length_are_not_divided_by_word_piece():
    endless = Tokenizer(WordPiece({"[UNK]": 0}, unk_token="[UNK]", max_input_chars_per_word=10**9))
    with pytest.raises(CorruptModel, match=r"words of up to 1,000,000,000 characters: up to 1,000 is supported"):
        check(CHECKER, endless)


def test_a_tokenizer_that_has_passed_is_not_tried_again_for_the_same_model(checker):
    for _ in range(2):
        check(checker, gpt2())
    assert checker.used == 1
    check(checker, gpt2(), embeddings=301)
    assert checker.used == 2


def test_a_process_that_takes_much_memory_is_replaced(checker):
    checker.kept_bytes = 1
    check(checker, gpt2())
    assert checker.process is None
    checker.json_object(b"{}", "config.json")


def test_one_process_serves_all_checks_until_it_has_served_enough(checker):
    checker.uses = 2
    found = []
    for _ in range(3):
        checker.json_object(b"{}", "config.json")
        found.append(checker.process.pid)
    assert found[0] == found[1] != found[2]


def test_a_process_that_has_died_is_replaced(checker):
    checker.json_object(b"{}", "config.json")
    checker.process.kill()
    checker.process.wait()
    assert checker.json_object(b'{"a": 1}', "config.json") == {"a": 1}


def test_checks_of_several_threads_do_not_mix(checker):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: checker.json_object(b'{"n": %d}' % n, "config.json"), range(20)))
    assert [answer["n"] for answer in answers] == list(range(20))


def test_the_process_sees_no_secrets(checker, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    checker.json_object(b"{}", "config.json")
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
        check(checker, gpt2())


@pytest.mark.parametrize("how", ["", "os._exit(0)", "os.kill(os.getpid(), 9)"], ids=["ends", "exits", "is killed"])
def test_the_process_ends_with_the_one_that_started_it(how):
    script = f"""
import os
from headscope.models.checker.process import CHECKER
CHECKER.json_object(b"{{}}", "config.json")
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


# The whole way


@pytest.mark.fault(13, 46)
def test_nothing_of_a_foreign_model_is_parsed_before_it_is_checked(models_dir, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(models_dir / "gpt2", tmp_path / "gpt2"))
    (folder / "tokenizer.json").write_bytes(data_of(gpt2(normalizer=Replace("x", "y" * 1000))))
    monkeypatch.setattr("headscope.models.loading.read_tokenizer", None)
    with pytest.raises(CorruptModel, match="1,000 times longer"):
        load(folder, CARD)


def test_bundled_models_need_no_process(monkeypatch, fresh):
    def refuse(*_, **__):
        raise AssertionError("a process was started")

    monkeypatch.setattr(process, "start", refuse)
    monkeypatch.setattr(CHECKER, "process", None)
    assert fresh("gpt2-mini").card.verified is True
