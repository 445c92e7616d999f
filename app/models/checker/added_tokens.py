"""The tokens that a tokenizer finds in a text before it divides it: those that the files beside it add.

The same list, in the same order, as transformers' `TokenizersBackend` adds, so that new tokens get the same numbers.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tokenizers import AddedToken, Tokenizer

from ...errors import CorruptModel

MAX_ADDED = 10_000
MAX_ID = 2**22
NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
EXTRA = ("extra_special_tokens", "additional_special_tokens")  # the latter is the old name
DECODER = "added_tokens_decoder"  # of tokenizer_config.json: id -> token
FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
Options = Mapping[str, Any]
Parsed = Mapping[str, dict[str, Any]]  # name of a file -> its object


def options_in(files: Parsed) -> dict[str, Any]:
    """The fields of tokenizer_config.json, and those of special_tokens_map.json unless the former lists all tokens."""
    options = dict(files.get("tokenizer_config.json", {}))
    named = {} if DECODER in options else files.get("special_tokens_map.json", {})
    return options | {
        name: {**option, "special": True} if isinstance(option, dict) and "content" in option else option
        for name, option in named.items()
    }


def add_tokens(tokenizer: Tokenizer, files: Parsed, usual: Mapping[str, str], present: Mapping[int, AddedToken]) -> int:
    """Add what the files name, and how many tokens that were.

    usual:   special tokens of the class, where the files do not say others
    present: added tokens of tokenizer.json
    Raises CorruptModel.
    """
    options = options_in(files)
    numbered = listed(files, options, present)
    by_text = {token.content: token for token in numbered.values()}
    has = tokenizer.get_added_tokens_decoder().values()
    known, texts = {repr(token) for token in has}, {token.content for token in has}
    found = [token for _, token in sorted(numbered.items()) if repr(token) not in known]
    texts |= {token.content for token in found}
    for token in special_tokens(options, usual, by_text):
        if token.content not in texts:
            found.append(token)
            texts.add(token.content)
    if len(found) > MAX_ADDED:
        raise CorruptModel(f"the tokenizer has {len(found):,} added tokens: up to {MAX_ADDED:,} are read")
    tokenizer.add_tokens(found)
    return len(found)


def listed(files: Parsed, options: Options, present: Mapping[int, AddedToken]) -> dict[int, AddedToken]:
    """Added tokens by their number: of tokenizer_config.json, or else of added_tokens.json and tokenizer.json."""
    if DECODER in options:
        entries = options[DECODER] if isinstance(options[DECODER], dict) else {}
        return {number_of(number): token_of(entry, DECODER) for number, entry in entries.items()}
    special = {content_of(options.get(name)) for name in NAMED} | {content_of(each) for each in extra_tokens(options)}
    added = numbers_in(files.get("added_tokens.json", {}), "added_tokens.json")
    old = {
        number: AddedToken(text, special=text in special, normalized=text not in special)
        for text, number in added.items()
    }
    return old | dict(present)


def numbers_in(found: Mapping[str, Any], name: str) -> dict[str, int]:
    """Token -> number. Raises CorruptModel."""
    if not all(type(number) is int and 0 <= number < MAX_ID for number in found.values()):
        raise CorruptModel(f"{name} has a token whose number is no whole number from 0 to {MAX_ID:,}")
    return dict(found)


def number_of(value: Any) -> int:
    digits = str(value)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(MAX_ID)) or int(digits) >= MAX_ID:
        raise CorruptModel(f"an added token has the number {digits[:40]!r}: whole numbers up to {MAX_ID:,} are read")
    return int(digits)


def token_of(entry: Any, where: str) -> AddedToken:
    """The token of an object with its text and how it is found. Raises CorruptModel."""
    text = content_of(entry)
    if text is None or not isinstance(entry, dict):
        raise CorruptModel(f"{where} has an added token without content: {json.dumps(entry)[:80]}")
    return AddedToken(text, **{flag: entry[flag] for flag in FLAGS if isinstance(entry.get(flag), bool)})


def content_of(option: Any) -> str | None:
    """The text of a special token, which is a string or an object."""
    text = option.get("content") if isinstance(option, dict) else option
    return text if isinstance(text, str) else None


def special_tokens(
    options: Options, usual: Mapping[str, str], by_text: Mapping[str, AddedToken]
) -> Iterator[AddedToken]:
    """Special tokens with a name, then the others."""
    own = [name for name, option in options.items() if name.endswith("_token") and isinstance(option, str)]
    for name in dict.fromkeys([*NAMED, *own]):
        option = options.get(name, usual.get(name))
        if (text := content_of(option)) is not None:
            token = by_text.get(text) if name in NAMED else None
            token = token or special_token(text, option)
            token.special = True
            yield token
    for option in extra_tokens(options):
        if (text := content_of(option)) is not None:
            yield special_token(text, option)


def special_token(text: str, option: Any) -> AddedToken:
    return token_of(option, DECODER) if isinstance(option, dict) else AddedToken(text, special=True)


def extra_tokens(options: Options) -> list[Any]:
    found = options.get(EXTRA[0]) or options.get(EXTRA[1]) or []
    return list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else []
