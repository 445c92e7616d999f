"""Foreign models are checked and tried in a process of its own: what it finds."""

import json
import shutil
from pathlib import Path

import pytest
from model_files import check_tokenizer, data_of, gpt2_tokenizer, template
from tokenizers import Regex, Tokenizer
from tokenizers.decoders import CTC
from tokenizers.models import Unigram, WordLevel, WordPiece
from tokenizers.normalizers import NFC, NFKC, NFKD, Lowercase, Nmt, Precompiled, Prepend, Replace, StripAccents
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import ByteLevel, Metaspace, Split, UnicodeScripts
from tokenizers.pre_tokenizers import Sequence as Splits
from tokenizers.processors import BertProcessing
from worlds import word_piece

from headscope.errors import CorruptModel, UnsupportedModel, WeightsDoNotFit
from headscope.models.checker import process
from headscope.models.checker.parts import REGEXES
from headscope.models.checker.process import CHECKER
from headscope.models.loading import load
from headscope.models.tokenizer_growth import growth_of
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")


def bert(**parts):
    tokenizer = word_piece()
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer


def charsmap(replacement):
    """A table of SentencePiece with an empty index."""
    return (8).to_bytes(4, "little") + bytes(8) + replacement + b"\0"


def word_piece_of(**options):
    return Tokenizer(WordPiece({"a": 0, "[UNK]": 1}, unk_token="[UNK]", **options))


def special(token):
    """A template whose special token has that label."""
    given = json.loads(template("[A] $A", **{"[A]": 2}).__getstate__())
    given["special_tokens"]["[A]"]["tokens"] = [token]
    made = template("$A")
    made.__setstate__(json.dumps(given).encode())
    return made


def one_text(name):
    """A template that leaves out a text, which the library refuses to make, but reads."""
    given = json.loads(template("$A").__getstate__())
    given[name] = [{"Sequence": {"id": "A" if name == "pair" else "B", "type_id": 0}}]
    made = template("$A")
    made.__setstate__(json.dumps(given).encode())
    return made


def added(token):
    tokenizer = word_piece_of()
    tokenizer.add_tokens([token])
    return tokenizer


@pytest.mark.parametrize(("tokenizer", "pairs"), [(gpt2_tokenizer, False), (bert, False), (bert, True)])
def test_a_sound_tokenizer_is_accepted(tokenizer, pairs):
    check_tokenizer(CHECKER, tokenizer(), pairs=pairs)


@pytest.mark.fault(46, decides=True)
@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        (gpt2_tokenizer(normalizer=Replace("x", "y" * 100)), "100 times longer"),
        (gpt2_tokenizer(normalizer=Normalizers([Replace("a", "aa")] * 10)), "1,024 times longer"),
        (gpt2_tokenizer(normalizer=Replace("ж", "😀" * 64)), "128 times longer in bytes"),
        (gpt2_tokenizer(pre_tokenizer=Splits([ByteLevel(add_prefix_space=False)] * 9)), "256 times longer in bytes"),
        (gpt2_tokenizer(pre_tokenizer=Splits([Metaspace("▁"), Metaspace("_")] * 3)), "512 times longer in bytes"),
        (gpt2_tokenizer(normalizer=Normalizers([Replace("", "z" * 99), StripAccents()])), "100 times longer"),
        (gpt2_tokenizer(normalizer=Prepend("p" * 10**5)), "100,001 times longer"),
        (gpt2_tokenizer(normalizer=Normalizers([NFKC(), Replace("x", "y" * 4)] * 2)), "1,936 times longer"),
        (gpt2_tokenizer(normalizer=Replace("x" * 65, "y" * 65)), "what its normalizer replaces of 65 characters"),
        (gpt2_tokenizer(normalizer=Normalizers([NFC()] * 33)), "33 parts in its normalizer: up to 32"),
        (gpt2_tokenizer(post_processor=template("$A $A")), "repeats a text in its template 'single'"),
        (gpt2_tokenizer(post_processor=one_text("pair")), "leaves out the text B in its template 'pair'"),
        (gpt2_tokenizer(post_processor=one_text("single")), "leaves out the text A in its template 'single'"),
        (gpt2_tokenizer(post_processor=template("[A] " * 17 + "$A", **{"[A]": 2})), "adds 17 special tokens"),
        (gpt2_tokenizer(post_processor=BertProcessing(("s" * 1001, 3), ("[CLS]", 2))), "a special token of 1,001"),
        (gpt2_tokenizer(post_processor=special("s" * 1001)), "a special token of 1,001 characters"),
        (Tokenizer(WordLevel({"a" * 1001: 0}, unk_token="a")), "a token of 1,001 characters"),
        (Tokenizer(WordLevel({"a": 0}, unk_token="u" * 1001)), "the unk_token of 1,001 characters"),
        (added("a" * 1001), "an added token of 1,001 characters"),
        (word_piece_of(continuing_subword_prefix="#" * 17), "the continuing_subword_prefix of 17 characters"),
        (word_piece_of(max_input_chars_per_word=101), "words of up to 101 characters: up to 100"),
        (Tokenizer(WordPiece({"a": 0}, unk_token="[UNK]")), r"fails on .*Missing \[UNK\] token"),
        (Tokenizer(WordLevel({"a": 0}, unk_token="[UNK]")), r"fails on .*\[UNK\]"),
        (gpt2_tokenizer(post_processor=template("$A:9")), "the segment 9: this model has 0..1"),
        (b"{}", "cannot be read"),
        (b'{"version": "1.0"', "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[" * 10**6, "cannot be read"),
    ],
    ids=[
        "swells", "swells in steps", "swells in bytes", "bytes of bytes", "prefixes",
        "empty pattern swells", "prepend", "decomposed", "long pattern", "many parts",
        "repeats", "one text", "other text",
        "many special", "long special", "long in template", "long token", "long unk", "long added",
        "long prefix", "long words", "no unk", "no word", "segment", "empty", "cut", "bytes", "nested",
    ],
)  # fmt: skip
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
    check_tokenizer(CHECKER, gpt2_tokenizer(normalizer=Normalizers([NFKD(), Lowercase(), StripAccents(), NFC()])))


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("part", "made", "expected"),
    [
        ("normalizer", Normalizers([NFC(), Normalizers([Nmt()])]), "the normalizer 'Nmt'"),
        ("normalizer", Replace(Regex("(ж|жж)+ю"), "x"), r"the regular expression '\(ж\|жж\)\+ю' in its normalizer"),
        ("pre_tokenizer", Splits([Split(Regex("(a|aa)+$"), "isolated")]), "the regular expression .* pre_tokenizer"),
        ("pre_tokenizer", UnicodeScripts(), "the pre_tokenizer 'UnicodeScripts'"),
        ("decoder", CTC(), "the decoder 'CTC'"),
    ],
)
def test_parts_whose_work_no_limit_bounds_are_refused_by_name(part, made, expected):
    tokenizer = gpt2_tokenizer()
    setattr(tokenizer, part, made)
    with pytest.raises(UnsupportedModel, match=rf"tokenizer\.json has {expected}"):
        check_tokenizer(CHECKER, tokenizer)


def test_tokens_without_embeddings_are_no_reason_to_refuse_a_model():
    words = {f"a{n}": n for n in range(400)}
    check_tokenizer(CHECKER, Tokenizer(WordLevel(words, unk_token="a0")))


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (charsmap(b"q" * 41), "can make a text 41 times longer"),
        (charsmap(b"q" * 10**6), "can make a text 1,000,000 times longer"),
    ],
    ids=["41", "million"],
)
def test_a_table_of_sentencepiece_may_not_make_a_text_far_longer(table, expected):
    with pytest.raises(CorruptModel, match=expected):
        check_tokenizer(CHECKER, gpt2_tokenizer(normalizer=Precompiled(table)))
    assert growth_of(gpt2_tokenizer(normalizer=Precompiled(charsmap(b"q" * 33)))).other == 33


@pytest.mark.fault(46)
def test_a_unigram_model_is_accepted_unless_its_tokens_are_very_long():
    tokens = [("<unk>", 0.0), ("▁the", -1.0), *((letter, -5.0) for letter in "abcdefghijklmnopqrstuvwxyz▁")]
    check_tokenizer(CHECKER, Tokenizer(Unigram(tokens, 0)))
    with pytest.raises(CorruptModel, match="a token of 200 characters: up to 128"):
        check_tokenizer(CHECKER, Tokenizer(Unigram([*tokens, ("x" * 200, -1.0)], 0)))


@pytest.mark.parametrize("regex", sorted(REGEXES))
def test_the_time_of_the_accepted_regular_expressions_grows_with_the_text(regex):
    split = Split(Regex(regex), "isolated")
    for text in ("a" * 10**5, " " * 10**5 + "a", "!" * 10**5, "1 " * 10**5, "'" * 10**5, "\r\n " * 10**5):
        split.pre_tokenize_str(text)


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


@pytest.mark.fault(41, 46)
def test_a_vocabulary_is_as_large_as_those_of_real_models():
    model = {"type": "WordLevel", "vocab": {f"{n:x}": n for n in range(2**19 + 1)}, "unk_token": "0"}
    data = json.dumps({"version": "1.0", "added_tokens": [], "model": model}).encode()
    with pytest.raises(CorruptModel, match="has 524,289 tokens: up to 524,288 are supported"):
        check_tokenizer(CHECKER, data, embeddings=2**20)
