"""A tokenizer from the files of older models: vocab.txt (WordPiece), or vocab.json and merges.txt (byte-level BPE).

The result is the content of a tokenizer.json that makes the tokens of transformers' own classes.
"""

import json
from typing import Any

from ...errors import CorruptModel, UnsupportedModel
from ..json_files import parse_object

BERT_SPECIAL = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
ROBERTA_SPECIAL = {
    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "mask_token": "<mask>",
}  # fmt: skip
MAX_ADDED = 10_000
# The model types whose tokenizers add no special tokens, and those that add them as RoBERTa does.
LIKE_GPT2 = frozenset(("gpt2", "gpt_neo", "gptj", "codegen", "gpt_bigcode"))
LIKE_ROBERTA = frozenset(("roberta", "roberta-prelayernorm", "bart", "mvp", "data2vec-text"))


def build_tokenizer(data: bytes, model_type: str) -> str:
    """data: {name of a file: its text}. Raises CorruptModel."""
    files: dict[str, str] = json.loads(data)
    options = options_in(files)
    built = word_piece(files, options) if "vocab.txt" in files else byte_level(files, options, model_type)
    return json.dumps({"version": "1.0", "truncation": None, "padding": None, **built})


def options_in(files: dict[str, str]) -> dict[str, Any]:
    """The fields of special_tokens_map.json and tokenizer_config.json, of which the latter counts."""
    found: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if name in files:
            found |= parse_object(files[name].encode(), name)
    return found


def content_of(option: Any) -> str | None:
    """The text of a special token, which is a string or an object."""
    text = option.get("content") if isinstance(option, dict) else option
    return text if isinstance(text, str) else None


def word_piece(files: dict[str, str], options: dict[str, Any]) -> dict[str, Any]:
    lines = files["vocab.txt"].split("\n")
    vocabulary = {line.rstrip("\r"): number for number, line in enumerate(lines if lines[-1] else lines[:-1])}
    special = {name: content_of(options.get(name)) or usual for name, usual in BERT_SPECIAL.items()}
    first, last = special["cls_token"], special["sep_token"]
    for needed in (first, last, special["unk_token"]):
        if needed not in vocabulary:
            raise CorruptModel(f"vocab.txt has no {needed[:40]!r}: it is needed around each text or for unknown words")
    lowercase = options.get("do_lower_case", True) is not False
    return {
        "added_tokens": added(files, vocabulary, special.values()),
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": options.get("tokenize_chinese_chars", True) is not False,
            "strip_accents": options["strip_accents"] if isinstance(options.get("strip_accents"), bool) else None,
            "lowercase": lowercase,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "BertProcessing", "sep": [last, vocabulary[last]], "cls": [first, vocabulary[first]],
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece", "unk_token": special["unk_token"], "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary,
        },
    }  # fmt: skip


def byte_level(files: dict[str, str], options: dict[str, Any], model_type: str) -> dict[str, Any]:
    if model_type not in LIKE_GPT2 | LIKE_ROBERTA:
        raise UnsupportedModel(
            f"a {model_type} without tokenizer.json: which special tokens it has is not known; load it with "
            "transformers' AutoTokenizer and save it with tokenizer.json"
        )
    vocabulary = numbers_in(files["vocab.json"], "vocab.json")
    lines = [line.rstrip("\r") for line in files["merges.txt"].split("\n") if not line.startswith("#version")]
    merges = [line.split(" ") for line in lines if line]
    if any(len(merge) != 2 for merge in merges):
        raise CorruptModel("merges.txt has a line that is not two tokens with a space between them")
    prefix = options.get("add_prefix_space", False) is True
    level = {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": True}
    special = ["<|endoftext|>"] if "<|endoftext|>" in vocabulary else []
    processor: dict[str, Any] = {**level, "trim_offsets": False}
    if model_type not in LIKE_GPT2:
        named = {name: content_of(options.get(name)) or usual for name, usual in ROBERTA_SPECIAL.items()}
        special = [token for token in named.values() if token in vocabulary]
        first, last = named["bos_token"], named["eos_token"]
        if not {first, last} <= vocabulary.keys():
            raise CorruptModel(f"vocab.json has no {first[:40]!r} and {last[:40]!r}, which stand around each text")
        processor = {
            "type": "RobertaProcessing", "sep": [last, vocabulary[last]], "cls": [first, vocabulary[first]],
            "trim_offsets": True, "add_prefix_space": prefix,
        }  # fmt: skip
    return {
        "added_tokens": added(files, vocabulary, special),
        "normalizer": None,
        "pre_tokenizer": level,
        "post_processor": processor,
        "decoder": {**level, "add_prefix_space": True},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges},
    }


def numbers_in(text: str, name: str) -> dict[str, int]:
    found = parse_object(text.encode(), name)
    if not all(type(number) is int and 0 <= number < 2**22 for number in found.values()):
        raise CorruptModel(f"{name} has a token whose number is no whole number from 0 to {2**22:,}")
    return found


def added(files: dict[str, str], vocabulary: dict[str, int], special: Any) -> list[dict[str, Any]]:
    """Special tokens, and those of added_tokens.json, in the order of their numbers."""
    more = numbers_in(files["added_tokens.json"], "added_tokens.json") if "added_tokens.json" in files else {}
    if len(more) > MAX_ADDED:
        raise CorruptModel(f"added_tokens.json has {len(more):,} tokens: up to {MAX_ADDED:,} are read")
    numbers = {token: vocabulary[token] for token in special if token in vocabulary}
    is_special = set(special)
    kinds = {"single_word": False, "lstrip": False, "rstrip": False}
    return [
        {"id": number, "content": token, **kinds, "normalized": token not in is_special, "special": token in is_special}
        for token, number in sorted((numbers | more).items(), key=lambda item: item[1])
    ]
