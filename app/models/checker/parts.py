"""Which parts a tokenizer may have: those of GPT-2 and BERT, whose time and memory are bounded for any text.

A trial on a few texts cannot show what a tokenizer does with others. So what is not on these lists is refused.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from math import prod
from typing import Any

from tokenizers import Tokenizer

from ...errors import CorruptModel, UnsupportedModel

# By the type of the normalizer: how many characters it can make of one. Of Unicode, "ﷺ" in NFKC is the longest.
GROWTH = {
    "BertNormalizer": 8, "Lowercase": 2, "StripAccents": 1, "Strip": 1, "NFC": 3, "NFD": 4, "NFKC": 18, "NFKD": 18,
}  # fmt: skip
# A space that becomes U+2581, as in T5 and Llama, grows three times in UTF-8.
MAX_GROWTH = 64
ALLOWED = {
    "normalizer": {*GROWTH, "Replace", "Prepend"},
    "pre_tokenizer": {
        "BertPreTokenizer", "ByteLevel", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "Metaspace",
        "CharDelimiterSplit", "Split",
    },
    "post_processor": {"BertProcessing", "RobertaProcessing", "ByteLevel", "TemplateProcessing"},
    "decoder": {"ByteLevel", "WordPiece", "BPEDecoder", "Metaspace", "Replace", "Fuse", "Strip", "ByteFallback"},
}  # fmt: skip
MODELS = ("BPE", "WordPiece", "WordLevel")
GPT_4 = (
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
    "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
)
# The time of any other regular expression can double with each character.
REGEXES = {
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",  # GPT-2
    "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",  # the same, shorter
    GPT_4,
    " {2,}", "\\s+", "\\d", "\\d+",
}  # fmt: skip
MAX_PARTS = 32
MAX_WORD = 100  # as in BERT: the time of WordPiece grows with the square of it
# Each character of a text can be compared with a prefix; each token of a text can have the longest label.
MAX_AFFIX, MAX_TOKEN = 16, 1000
MAX_REPLACED = 64
MAX_SPECIAL = 16


def check_parts(tokenizer: Tokenizer) -> None:
    """Raises UnsupportedModel for a part or regular expression that is not on the list, CorruptModel for a limit."""
    for name, allowed in ALLOWED.items():
        for part in parts_of(getattr(tokenizer, name), name):
            check_part(name, part, allowed)
    model = type(tokenizer.model).__name__
    if model not in MODELS:
        raise unsupported("model", model, MODELS)
    check_growth(tokenizer)
    check_word_length(tokenizer)
    check_lengths(tokenizer)


def parts_of(part: Any, name: str) -> list[dict[str, Any]]:
    """The part as it stands in tokenizer.json; of a sequence, all its parts. Raises CorruptModel if there are many."""
    found = [] if part is None else list(flat(json.loads(part.__getstate__())))
    if len(found) > MAX_PARTS:
        raise CorruptModel(f"tokenizer.json has {len(found):,} parts in its {name}: up to {MAX_PARTS} are supported")
    return found


def flat(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if part.get("type") == "Sequence":
        inner = next(value for value in part.values() if isinstance(value, list))
        for each in inner:
            yield from flat(each)
    else:
        yield part


def check_part(name: str, part: dict[str, Any], allowed: set[str]) -> None:
    kind = str(part.get("type"))
    if kind not in allowed:
        raise unsupported(name, kind, sorted(allowed))
    pattern = part.get("pattern")
    if isinstance(pattern, dict) and pattern.get("Regex", " {2,}") not in REGEXES:
        raise UnsupportedModel(
            f"tokenizer.json has the regular expression {pattern['Regex'][:80]!r} in its {name}: only those of GPT-2, "
            "GPT-4 and a few short ones are supported"
        )
    if kind == "Replace":
        literal = pattern.get("String", "") if isinstance(pattern, dict) else ""
        check_length(f"what its {name} replaces", literal, MAX_REPLACED)
    if kind == "TemplateProcessing":
        check_template(part)


def check_template(part: dict[str, Any]) -> None:
    """Raises CorruptModel for a template that repeats a text, or has many special tokens."""
    for name in ("single", "pair"):
        texts = [piece["Sequence"]["id"] for piece in part[name] if "Sequence" in piece]
        special = [piece["SpecialToken"]["id"] for piece in part[name] if "SpecialToken" in piece]
        if len(texts) > len(set(texts)):
            raise CorruptModel(f"tokenizer.json repeats a text in its template {name!r}: it has to contain it once")
        count = sum(len(part["special_tokens"][each]["ids"]) for each in special)
        if count > MAX_SPECIAL:
            raise CorruptModel(
                f"tokenizer.json adds {count:,} special tokens in its template {name!r}: up to {MAX_SPECIAL} are "
                "supported"
            )
    for each in part["special_tokens"].values():
        for token in each["tokens"]:
            check_length("a special token", token)


def unsupported(name: str, kind: str, allowed: Any) -> UnsupportedModel:
    return UnsupportedModel(f"tokenizer.json has the {name} {kind[:80]!r}: {', '.join(allowed)} are supported")


def check_growth(tokenizer: Tokenizer) -> None:
    """Raises CorruptModel if the normalizer can replace characters by far more of them."""
    grows = growth(parts_of(tokenizer.normalizer, "normalizer"))
    if grows > MAX_GROWTH:
        raise CorruptModel(
            f"tokenizer.json can make a text {grows:,.0f} times longer (its normalizer): at most {MAX_GROWTH} times"
        )


def growth(parts: list[dict[str, Any]]) -> float:
    """How much longer normalizers can make a text, one after the other, at most."""
    runs = groupby(parts, key=lambda part: part["type"] in GROWTH)
    return prod(unicode_growth(run) if of_unicode else prod(map(growth_of, run)) for of_unicode, run in runs)


def unicode_growth(parts: Iterator[dict[str, Any]]) -> float:
    """Of one after the other: what one form has decomposed, another cannot decompose again."""
    kinds = {part["type"] for part in parts}
    lowercase = 2 if "Lowercase" in kinds and len(kinds) > 1 else 1
    return lowercase * max(GROWTH[kind] for kind in kinds)


def growth_of(part: dict[str, Any]) -> float:
    if part["type"] == "Prepend":
        return 1.0 + len(part["prepend"])
    content, pattern = len(part["content"]), part["pattern"]
    if pattern.get("String") == "":  # between any two characters
        return 1.0 + content
    return max(1.0, content / len(pattern.get("String", " ")))  # each regular expression matches at least one


def check_word_length(tokenizer: Tokenizer) -> None:
    """Raises CorruptModel for WordPiece on very long words: its time grows with the square of their length."""
    length = getattr(tokenizer.model, "max_input_chars_per_word", 0)
    if length > MAX_WORD:
        raise CorruptModel(
            f"tokenizer.json divides words of up to {length:,} characters: up to {MAX_WORD:,} is supported"
        )


def check_lengths(tokenizer: Tokenizer) -> None:
    """Raises CorruptModel for a very long token, or one that is put before or after parts of each word."""
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        check_length(f"the {name}", getattr(tokenizer.model, name, None) or "", MAX_AFFIX)
    check_length("the unk_token", getattr(tokenizer.model, "unk_token", None) or "")
    for added in tokenizer.get_added_tokens_decoder().values():
        check_length("an added token", added.content)
    check_length("a token", max(tokenizer.get_vocab(), key=len, default=""))
    for part in parts_of(tokenizer.post_processor, "post_processor"):
        for token, _ in (part[name] for name in ("cls", "sep") if name in part):
            check_length("a special token", token)


def check_length(what: str, text: str, most: int = MAX_TOKEN) -> None:
    if len(text) > most:
        raise CorruptModel(f"tokenizer.json has {what} of {len(text):,} characters: up to {most:,} are supported")
