"""How much longer a tokenizer can make a text before it divides it: so much memory is reserved for tokenizing.

And how much longer its decoder can make the text of tokens, which is limited alike.
"""

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Any

from tokenizers import Tokenizer

from ..errors import CorruptModel

# By the type of the normalizer: how many UTF-8 bytes it can make of one, for any character. "ﷺ" in NFKC is the longest.
# None of them makes ASCII longer. One after the other they grow no more: what is decomposed stays so.
UNICODE_GROWTH = {
    "BertNormalizer": 3, "Lowercase": 1.5, "StripAccents": 1, "Strip": 1, "NFC": 3, "NFD": 3, "NFKC": 11, "NFKD": 11,
}  # fmt: skip
MAX_PARTS = 32
# Of one part that replaces or adds text: a space becomes U+2581 in T5 and Llama, and the text begins with another one.
MAX_PART_GROWTH = 4
# Of the table of T5 and its relatives: "ﷺ" becomes 33 bytes.
MAX_TABLE_GROWTH = 40
# Of all parts: those of Llama in front of NFKC make 132.
MAX_GROWTH = 200


@dataclass(frozen=True)
class Growth:
    """The number of UTF-8 bytes, at most, that one byte of a text becomes: of ASCII, and of other characters."""

    ascii: float
    other: float

    def bytes_of(self, text: str) -> int:
        """At most so many bytes are divided into tokens, each of one byte or more."""
        plain = len(text.encode("ascii", "ignore"))
        return int(plain * self.ascii + (len(text.encode("utf-8", "replace")) - plain) * self.other)


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


def growth_of(tokenizer: Tokenizer) -> Growth:
    """Raises CorruptModel if a part can make a text far longer, or all together can."""
    first, total = 1.0, 1.0
    runs = groupby(parts_of(tokenizer.normalizer, "normalizer"), key=lambda part: part["type"] in UNICODE_GROWTH)
    for n, (of_unicode, run) in enumerate(runs):
        factor = unicode_growth(run) if of_unicode else prod(limited("normalizer", part) for part in run)
        first = factor if of_unicode and n == 0 else first
        total *= factor
    splits = parts_of(tokenizer.pre_tokenizer, "pre_tokenizer")
    total *= prod(limited("pre_tokenizer", part) for part in splits)
    # The characters that stand for bytes take up to two bytes each, when they are taken for a text again.
    total *= 2 ** max(0, sum(part["type"] == "ByteLevel" for part in splits) - 1)
    if total > MAX_GROWTH:
        raise too_long(total, "normalizer and pre_tokenizer", MAX_GROWTH)
    return Growth(total / first, total)


def check_decoder_growth(tokenizer: Tokenizer) -> None:
    """Raises CorruptModel if a part of the decoder can make the text of tokens far longer, or all together can."""
    total = prod(decoder_growth(part) for part in parts_of(tokenizer.decoder, "decoder"))
    if total > MAX_GROWTH:
        raise too_long(total, "decoder", MAX_GROWTH)


def decoder_growth(part: dict[str, Any]) -> float:
    """A space in front of a token does not count. Raises CorruptModel."""
    kind = part["type"]
    if kind == "Replace":
        return limited("decoder", part)
    if kind == "ByteLevel":  # a byte that is not UTF-8 becomes U+FFFD
        return 3.0
    return 2.0 if kind == "BPEDecoder" and part.get("suffix") == "" else 1.0  # a space between any two characters


def unicode_growth(parts: Iterator[dict[str, Any]]) -> float:
    kinds = {part["type"] for part in parts}
    lowercase = UNICODE_GROWTH["Lowercase"] if "Lowercase" in kinds and len(kinds) > 1 else 1
    return lowercase * max(UNICODE_GROWTH[kind] for kind in kinds)


def limited(name: str, part: dict[str, Any]) -> float:
    is_table = part["type"] == "Precompiled"
    found = table_growth(part["precompiled_charsmap"]) if is_table else part_growth(part)
    most = MAX_TABLE_GROWTH if is_table else MAX_PART_GROWTH
    if found > most:
        raise too_long(found, name, most)
    return found


def table_growth(charsmap: str) -> float:
    """Of the table of a sentencepiece model: 4 bytes with the size of an index, the index, then texts that end with 0.

    Any byte could become the longest text. Raises CorruptModel.
    """
    try:
        data = b64decode(charsmap, validate=True)
    except ValueError:
        data = b""
    texts = 4 + int.from_bytes(data[:4], "little")
    if len(data) < 4 or texts > len(data):
        raise CorruptModel(
            "tokenizer.json has a normalizer 'Precompiled' whose table is broken: save the tokenizer again"
        )
    return max(1.0, *(float(len(text)) for text in data[texts:].split(b"\0")))


def part_growth(part: dict[str, Any]) -> float:
    kind = part["type"]
    if kind == "Prepend":
        return 1.0 + utf8(part["prepend"])
    if kind == "Metaspace":  # in front of each part that others have divided
        return 1.0 + utf8(part["replacement"])
    if kind == "ByteLevel":
        return 2.0 if part.get("add_prefix_space") else 1.0
    if kind != "Replace":
        return 1.0
    content, pattern = utf8(part["content"]), part["pattern"]
    if pattern.get("String") == "":  # between any two characters
        return 1.0 + content
    return max(1.0, content / utf8(pattern.get("String", " ")))  # each regular expression matches at least one


def utf8(text: str) -> int:
    return len(text.encode())


def too_long(times: float, name: str, most: int) -> CorruptModel:
    return CorruptModel(
        f"tokenizer.json can make a text {times:,.0f} times longer in bytes (its {name}): at most {most} times"
    )
