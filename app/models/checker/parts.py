"""Which parts a tokenizer may have: those of common models, whose time and memory are bounded for any text.

A trial on a few texts cannot show what a tokenizer does with others. So what is not on these lists is refused.
"""

from typing import Any

from tokenizers import Tokenizer

from ...errors import CorruptModel, UnsupportedModel
from ..tokenizer_growth import UNICODE_GROWTH, check_decoder_growth, growth_of, parts_of

ALLOWED = {
    "normalizer": {*UNICODE_GROWTH, "Replace", "Prepend", "Precompiled"},
    "pre_tokenizer": {
        "BertPreTokenizer", "ByteLevel", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits", "Metaspace",
        "CharDelimiterSplit", "Split"
    },
    "post_processor": {"BertProcessing", "RobertaProcessing", "ByteLevel", "TemplateProcessing"},
    "decoder": {"ByteLevel", "WordPiece", "BPEDecoder", "Metaspace", "Replace", "Fuse", "Strip", "ByteFallback"},
}  # fmt: skip
MODELS = ("BPE", "WordPiece", "WordLevel", "Unigram")
GPT_4 = (
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
    "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
)
QWEN_2 = GPT_4.replace("{1,3}", "")
LOWER, UPPER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]", "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
GPT_4O = (
    f"[^\\r\\n\\p{{L}}\\p{{N}}]?{UPPER}*{LOWER}+{SHORT}|[^\\r\\n\\p{{L}}\\p{{N}}]?{UPPER}+{LOWER}*{SHORT}"
    "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
)
# The time of any other regular expression can double with each character.
REGEXES = {
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",  # GPT-2
    "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",  # the same, shorter
    GPT_4, QWEN_2, GPT_4O,
    "\\p{N}{1,3}", "\\p{N}",
    " {2,}", "\\s+", "\\d", "\\d+",
}  # fmt: skip
MAX_WORD = 100  # as in BERT: the time of WordPiece grows with the square of it
# Each character of a text can be compared with a prefix; each token of a text can have the longest label.
MAX_AFFIX, MAX_TOKEN = 16, 1000
# Unigram looks for each token at each character of a word.
MAX_UNIGRAM = 128
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
    growth_of(tokenizer)  # raises for one that is too large
    check_decoder_growth(tokenizer)
    check_word_length(tokenizer)
    check_lengths(tokenizer)


def check_part(name: str, part: dict[str, Any], allowed: set[str]) -> None:
    kind = str(part.get("type"))
    if kind not in allowed:
        raise unsupported(name, kind, sorted(allowed))
    pattern = part.get("pattern")
    if isinstance(pattern, dict) and pattern.get("Regex", " {2,}") not in REGEXES:
        raise UnsupportedModel(
            f"tokenizer.json has the regular expression {pattern['Regex'][:80]!r} in its {name}: only those of GPT-2, "
            "GPT-4, GPT-4o, Qwen 2 and a few short ones are supported"
        )
    if kind == "Replace":
        literal = pattern.get("String", "") if isinstance(pattern, dict) else ""
        check_length(f"what its {name} replaces", literal, MAX_REPLACED)
    if kind == "TemplateProcessing":
        check_template(part)


def check_template(part: dict[str, Any]) -> None:
    """Raises CorruptModel for a template that repeats or leaves out a text, or has many special tokens."""
    for name in ("single", "pair"):
        texts = [piece["Sequence"]["id"] for piece in part[name] if "Sequence" in piece]
        special = [piece["SpecialToken"]["id"] for piece in part[name] if "SpecialToken" in piece]
        if missing := {"single": {"A"}, "pair": {"A", "B"}}[name] - set(texts):
            raise CorruptModel(f"tokenizer.json leaves out the text {min(missing)} in its template {name!r}")
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
    unigram = type(tokenizer.model).__name__ == "Unigram"
    check_length("a token", max(tokenizer.get_vocab(), key=len, default=""), MAX_UNIGRAM if unigram else MAX_TOKEN)
    for part in parts_of(tokenizer.post_processor, "post_processor"):
        for token, _ in (part[name] for name in ("cls", "sep") if name in part):
            check_length("a special token", token)


def check_length(what: str, text: str, most: int = MAX_TOKEN) -> None:
    if len(text) > most:
        raise CorruptModel(f"tokenizer.json has {what} of {len(text):,} characters: up to {most:,} are supported")
