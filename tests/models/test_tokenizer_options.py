"""What the files beside tokenizer.json say counts as it does in transformers' `AutoTokenizer`."""

import json

import pytest
from tokenizers import AddedToken, Tokenizer, normalizers
from transformers import AutoTokenizer
from worlds import byte_level, word_piece, write_tiny

from headscope.errors import CorruptModel
from headscope.models.files import ModelFolder
from headscope.models.loading import load
from headscope.models.tokenizer_files import read_tokenizer_files
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
TEXTS = [
    "The cat sat on the mat.", "Grüße aus dem SÜDEN!", "a dog ran; 你好 cafe\u0301 naïve [MASK] <|endoftext|> x",
    "  two  spaces\n\ttab ", "don't 1999 👩\u200d🚀", "<new> the <new>", "THE <new>cat <New> x<b>y <b> dog",
    "ÀÉ Straße",
]  # fmt: skip


def entry(content, **flags):
    return {"content": content, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False, **flags}


def stored_cased():
    tokenizer = word_piece()
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    return tokenizer


def with_added():
    tokenizer = byte_level()
    tokenizer.add_tokens([AddedToken("<new>", lstrip=True)])
    return tokenizer


def normalised():
    tokenizer = byte_level()
    tokenizer.normalizer = normalizers.NFC()
    return tokenizer


BESIDE = {
    "bert, nothing that changes tokens": ("bert", word_piece, {"tokenizer_config.json": {"model_max_length": 512}}),
    "bert, cased": ("bert", word_piece, {"tokenizer_config.json": {"do_lower_case": False}}),
    "bert, lower case by the options": ("bert", stored_cased, {"tokenizer_config.json": {"do_lower_case": True}}),
    "bert, lower case by default": ("bert", stored_cased, {"tokenizer_config.json": {}}),
    "bert, accents kept": ("bert", word_piece, {"tokenizer_config.json": {"strip_accents": False}}),
    "bert, cased without accents": (
        "bert", word_piece, {"tokenizer_config.json": {"do_lower_case": False, "strip_accents": True}},
    ),
    "bert, Chinese": ("bert", word_piece, {"tokenizer_config.json": {"tokenize_chinese_chars": False}}),
    "bert, of the generic class": (
        "bert", stored_cased,
        {"tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "do_lower_case": True}},
    ),
    "bert, of an old class": (
        "bert", word_piece,
        {"tokenizer_config.json": {"tokenizer_class": "ElectraTokenizerFast", "do_lower_case": False}},
    ),
    "bert, added tokens": ("bert", word_piece, {"added_tokens.json": {"<b>": 99, "<new>": 98}}),
    "bert, listed tokens": (
        "bert", word_piece,
        {"tokenizer_config.json": {
            "added_tokens_decoder": {"98": entry("<new>", normalized=True), "97": entry("<b>")},
        }},
    ),
    "gpt2, prefix": ("gpt2", byte_level, {"tokenizer_config.json": {"add_prefix_space": True}}),
    "gpt2, more special tokens": (
        "gpt2", byte_level,
        {"tokenizer_config.json": {"additional_special_tokens": ["<new>"], "pad_token": "<b>"}},
    ),
    "gpt2, special tokens of an old version": (
        "gpt2", byte_level, {"special_tokens_map.json": {"pad_token": entry("<new>", lstrip=True)}},
    ),
    "gpt2, of the generic class": (
        "gpt2", with_added,
        {"tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "add_prefix_space": True,
            "added_tokens_decoder": {"300": entry("<new>", rstrip=True), "301": entry("<b>", special=True)},
        }},
    ),
    "gpt2, other flags of a stored token": (
        "gpt2", with_added,
        {"tokenizer_config.json": {"added_tokens_decoder": {"300": entry("<new>", rstrip=True)}}},
    ),
    "gpt2, the class of GPT-NeoX": (
        "gpt2", normalised,
        {"tokenizer_config.json": {"tokenizer_class": "GPTNeoXTokenizer", "add_prefix_space": True}},
    ),
    "gpt2, a token with a name of its own": (
        "gpt2", byte_level, {"tokenizer_config.json": {"image_token": "<new>", "extra_special_tokens": ["<b>"]}},
    ),
}  # fmt: skip


def folder_of(tmp_path, case):
    kind, tokenizer, files = BESIDE[case]
    folder = write_tiny(tmp_path, kind)
    tokenizer().save(str(folder / "tokenizer.json"))
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))
    return folder


def ours(folder, model_type):
    return Tokenizer.from_buffer(read_tokenizer_files(ModelFolder(folder)).as_json(model_type))


@pytest.mark.parametrize("case", BESIDE)
def test_the_tokens_are_those_of_transformers(tmp_path, case):
    folder = folder_of(tmp_path, case)
    made, theirs = ours(folder, BESIDE[case][0]), AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        assert made.encode(text).ids == theirs(text)["input_ids"], text
    assert made.encode(*TEXTS[:2]).ids == theirs(*TEXTS[:2])["input_ids"]
    stored, wanted = made.get_added_tokens_decoder(), theirs.added_tokens_decoder
    assert {n: repr(token) for n, token in stored.items()}.items() <= {
        n: repr(each) for n, each in wanted.items()
    }.items()


@pytest.mark.parametrize("options", [{"add_prefix_space": True}, {}, {"mask_token": "<b>"}], ids=str)
def test_the_tokens_of_a_roberta_are_those_of_transformers(tmp_path, options):
    folder = write_tiny(tmp_path, "gpt2")
    tokenizer = byte_level()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True)])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"model_type": "roberta"}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "RobertaTokenizer", **options}))
    made, theirs = ours(folder, "roberta"), AutoTokenizer.from_pretrained(folder)
    for text in [*TEXTS, "the <mask> sat"]:
        assert made.encode(text).ids == theirs(text)["input_ids"], text
    assert made.encode(*TEXTS[:2]).ids == theirs(*TEXTS[:2])["input_ids"]


def test_tokenizer_json_alone_counts_as_it_stands(tmp_path):
    folder = write_tiny(tmp_path, "bert")
    stored_cased().save(str(folder / "tokenizer.json"))
    assert ours(folder, "bert").to_str() == stored_cased().to_str()


def test_a_loaded_model_has_the_tokens(tmp_path):
    folder = folder_of(tmp_path, "bert, cased")
    found = [token.id for token in load(folder, CARD).tokens("THE cat")[0]]
    assert found == AutoTokenizer.from_pretrained(folder)("THE cat")["input_ids"]


@pytest.mark.fault(15)
@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("tokenizer_config.json", {"added_tokens_decoder": {"-1": entry("x")}}, "an added token has the number '-1'"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"1": "x"}}, "has an added token without content"),
        ("tokenizer_config.json", {"added_tokens_decoder": {str(n): entry(str(n)) for n in range(10_001)}}, "10,00"),
        ("added_tokens.json", {"a": 2**40}, "added_tokens.json has a token whose number"),
        ("special_tokens_map.json", [], r"special_tokens_map\.json is a JSON list"),
    ],
    ids=["negative", "text", "many", "large", "list"],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path, name, content, expected):
    folder = write_tiny(tmp_path, "gpt2")
    (folder / name).write_text(json.dumps(content))
    with pytest.raises(CorruptModel, match=expected):
        load(folder, CARD)


def test_a_model_is_shown_as_changed_when_such_a_file_appears(tmp_path):
    from headscope.models.checkpoint import check_files
    from headscope.models.file_states import differ, states_of

    folder = write_tiny(tmp_path, "gpt2")
    checked = check_files(folder)
    checked.close()
    (folder / "tokenizer_config.json").write_text("{}")
    assert differ(checked.states, states_of(folder, "local", checked.states))
