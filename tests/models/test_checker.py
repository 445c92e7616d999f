"""Foreign models are checked and tried in a process of its own: what it finds."""

import json
import shutil
from pathlib import Path

import pytest
from model_files import check_tokenizer, data_of, gpt2_tokenizer, template
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel, WordPiece
from tokenizers.normalizers import NFKC, Lowercase, Precompiled, Prepend, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import BertProcessing
from worlds import word_piece

from headscope.errors import CorruptModel, WeightsDoNotFit
from headscope.models.checker import process
from headscope.models.checker.process import CHECKER
from headscope.models.checker.trial import growth
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")

HOSTILE = [
    "swells",
    "steps",
    "regex swells",
    "prepend",
    "table",
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


def bert(**parts):
    tokenizer = word_piece()
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer


def charsmap(replacement):
    """A table of SentencePiece with an empty index."""
    return (8).to_bytes(4, "little") + bytes(8) + replacement + b"\0"


@pytest.mark.parametrize(("tokenizer", "pairs"), [(gpt2_tokenizer, False), (bert, False), (bert, True)])
def test_a_sound_tokenizer_is_accepted(tokenizer, pairs):
    check_tokenizer(CHECKER, tokenizer(), pairs=pairs)


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        (gpt2_tokenizer(normalizer=Replace("x", "y" * 10**6)), "1,000,000 times longer"),
        (gpt2_tokenizer(normalizer=Normalizers([Replace("a", "aa")] * 10)), "1,024 times longer"),
        (gpt2_tokenizer(normalizer=Normalizers([Replace(Regex(""), "z" * 99), Lowercase()])), "100 times longer"),
        (gpt2_tokenizer(normalizer=Prepend("p" * 10**5)), "100,001 times longer"),
        (gpt2_tokenizer(normalizer=Precompiled(charsmap(b"q" * 10**5))), "100,001 times longer"),
        (gpt2_tokenizer(pre_tokenizer=Split(Regex(r"(a|aa)+$"), "isolated")), "fails on .*: Onig: .*retry-limit"),
        (gpt2_tokenizer(post_processor=template(" ".join(["$A"] * 40))), "tokens of .*: at most"),
        (Tokenizer(WordPiece({"a": 0}, unk_token="[UNK]")), r"fails on .*Missing \[UNK\] token"),
        (Tokenizer(WordLevel({"a": 0}, unk_token="[UNK]")), r"fails on .*\[UNK\]"),
        (gpt2_tokenizer(post_processor=template("$A:9")), "the segment 9: this model has 0..1"),
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
        "table",
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
        check_tokenizer(CHECKER, tokenizer)


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
        check_tokenizer(CHECKER, tokenizer, segments=segments, pairs=True)


@pytest.mark.fault(46)
def test_a_segment_that_the_model_does_not_have_is_refused():
    with pytest.raises(CorruptModel, match=r"the segment 1: this model has 0\.\.0"):
        check_tokenizer(CHECKER, bert(), segments=1, pairs=True)


def test_normalizers_of_well_known_models_are_accepted():
    steps = [Prepend("▁"), Replace(" ", "▁"), NFKC(), Replace(Regex(" {2,}"), " ")]
    check_tokenizer(CHECKER, gpt2_tokenizer(normalizer=Normalizers(steps)))
    assert growth(json.loads(Precompiled(charsmap("ﷺ".encode())).__getstate__())) == 4


@pytest.mark.fault(13, 46)
def test_nothing_of_a_foreign_model_is_parsed_before_it_is_checked(models_dir, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(models_dir / "gpt2", tmp_path / "gpt2"))
    (folder / "tokenizer.json").write_bytes(data_of(gpt2_tokenizer(normalizer=Replace("x", "y" * 1000))))
    monkeypatch.setattr("headscope.models.loading.read_tokenizer", None)
    with pytest.raises(CorruptModel, match="1,000 times longer"):
        load(folder, CARD)


def test_bundled_models_need_no_process(monkeypatch, fresh):
    def refuse(*_, **__):
        raise AssertionError("a process was started")

    monkeypatch.setattr(process, "start", refuse)
    monkeypatch.setattr(CHECKER, "process", None)
    assert fresh("gpt2-mini").card.verified is True
