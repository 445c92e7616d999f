"""Tokenizers without tokenizer.json make the tokens of transformers' own classes."""

import json

import pytest
from tokenizers import Tokenizer
from transformers import AutoTokenizer
from worlds import write_tiny

from headscope.errors import CorruptModel, UnsupportedModel
from headscope.models.checker.process import CHECKER
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
TEXTS = [
    "The cat sat on the mat.", "Grüße aus dem SÜDEN!", "a dog ran; 你好 cafe\u0301 naïve [MASK] <|endoftext|> x",
    "  two  spaces\n\ttab ",
    "don't 1999 👩\u200d🚀", "<new> the <new>", "ÀÉ Straße",
]  # fmt: skip


def without_tokenizer_json(folder, **options):
    stored = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    if stored["type"] == "WordPiece":
        (folder / "vocab.txt").write_text("\n".join(sorted(stored["vocab"], key=stored["vocab"].get)) + "\n")
    else:
        (folder / "vocab.json").write_text(json.dumps(stored["vocab"]))
        merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in stored["merges"]]
        (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    if options:
        (folder / "tokenizer_config.json").write_text(json.dumps(options))
    return folder


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("bert", {}),
        ("bert", {"do_lower_case": False}),
        ("bert", {"do_lower_case": False, "strip_accents": True}),
        ("bert", {"strip_accents": False}),
        ("bert", {"tokenize_chinese_chars": False}),
        ("gpt2", {}),
        ("gpt2", {"add_prefix_space": True}),
    ],
    ids=str,
)
def test_the_tokens_are_those_of_transformers(tmp_path, kind, options):
    folder = without_tokenizer_json(write_tiny(tmp_path, kind), **options)
    model, theirs = load(folder, CARD), AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        assert [token.id for token in model.tokens(text)[0]] == theirs(text)["input_ids"]
    if kind == "bert":
        assert [token.id for token in model.tokens(*TEXTS[:2])[0]] == theirs(*TEXTS[:2])["input_ids"]


def test_added_tokens_are_found_in_the_text(tmp_path):
    folder = without_tokenizer_json(write_tiny(tmp_path, "bert"))
    number = len((folder / "vocab.txt").read_text().splitlines())
    (folder / "added_tokens.json").write_text(json.dumps({"<new>": number}))
    found = [token.id for token in load(folder, CARD).tokens(TEXTS[5])[0]]
    assert found.count(number) == 2


def test_a_roberta_has_its_special_tokens_around_the_text(tmp_path):
    folder = without_tokenizer_json(write_tiny(tmp_path, "gpt2"))
    vocabulary = json.loads((folder / "vocab.json").read_text())
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    vocabulary |= {token: len(vocabulary) + n for n, token in enumerate(special)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    files = {name: (folder / name).read_text() for name in ("vocab.json", "merges.txt")}
    (folder / "config.json").write_text(json.dumps({"model_type": "roberta"}))
    ours, theirs = (
        Tokenizer.from_buffer(CHECKER.built_tokenizer(files, "roberta")),
        AutoTokenizer.from_pretrained(folder),
    )
    for text in TEXTS:
        assert ours.encode(text).ids == theirs(text)["input_ids"]
    assert ours.encode(*TEXTS[:2]).ids == theirs(*TEXTS[:2])["input_ids"]
    with pytest.raises(UnsupportedModel, match=r"save it with tokenizer\.json"):
        CHECKER.built_tokenizer(files, "opt")


@pytest.mark.fault(15)
@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("vocab.txt", b"the\ncat", r"the vocabulary has no '\[CLS\]'"),
        ("vocab.txt", b"\xff", "vocab.txt is not UTF-8"),
        ("tokenizer_config.json", b"[]", "tokenizer_config.json is a JSON list"),
        ("added_tokens.json", b'{"a": -1}', "added_tokens.json has a token whose number"),
    ],
    ids=str,
)
def test_a_broken_file_is_refused_by_name(tmp_path, name, content, expected):
    folder = without_tokenizer_json(write_tiny(tmp_path, "bert"))
    (folder / name).write_bytes(content)
    with pytest.raises(CorruptModel, match=expected):
        load(folder, CARD)


def test_a_sentencepiece_file_alone_is_refused_with_the_command_that_converts_it(tmp_path):
    folder = write_tiny(tmp_path, "bert")
    (folder / "tokenizer.json").rename(folder / "spiece.model")
    with pytest.raises(CorruptModel, match=r"spiece\.model is not read.*run: python -c"):
        load(folder, CARD)
