"""Text to tokens: ids for the model, and for people the text, place, and segment of each."""

import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path
from sys import maxsize

from tokenizers import Encoding, Tokenizer
from tokenizers.decoders import ByteLevel
from transformers.convert_slow_tokenizer import bytes_to_unicode

from ..errors import CorruptModel, EmptyText, PairNotSupported, TooManyTokens
from ..records import Token

VISIBLE = {" ": "·", "\n": "↵", "\r": "␍", "\t": "⇥"}
# Control, format, line and paragraph separators, private use, unassigned: nothing to see, or able to flip a line.
INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Zs"}
COMBINING = {"Mn", "Me", "Mc"}
DOTTED_CIRCLE = "\N{DOTTED CIRCLE}"
# Of these families, the largest vocabularies take a tenth of it.
MOST_BYTES = 2**26


@cache
def byte_of() -> dict[str, int]:
    """GPT-2 writes each byte as a printable character; the way back."""
    return {character: byte for byte, character in bytes_to_unicode().items()}


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json, with its truncation and padding switched off. Raises CorruptModel."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise CorruptModel(f"tokenizer.json is {size:,} bytes: at most {MOST_BYTES:,} are read")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise CorruptModel(f"tokenizer.json cannot be read: {error}") from error
    # Sentence encoders ship theirs set to cut at 128 tokens: nothing is cut here without being asked.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tokenize(
    tokenizer: Tokenizer,
    text: str,
    text_pair: str | None,
    *,
    pairs: bool,
    most: int = maxsize,
    truncate: bool = False,
) -> tuple[tuple[Token, ...], int]:
    """The tokens of a text, or of a pair where the model was trained on `pairs`, and how many were cut off.

    Above `most` it cuts the longer text's end where `truncate` asks for it.
    Raises EmptyText, PairNotSupported, and else TooManyTokens, before any of them is labelled.
    """
    if text_pair is not None and not pairs:
        raise PairNotSupported("this model was not trained on sentence pairs: send one text, or take a BERT")
    whole = tokenizer.encode(text, text_pair)
    if not len(whole):
        raise EmptyText("this model's tokenizer makes no token of the text: send another text")
    encoding = whole
    if len(whole) > most:
        special = tokenizer.num_special_tokens_to_add(text_pair is not None)
        if not truncate or most <= special:
            raise too_many(len(whole), special, most)
        encoding = cutting(tokenizer, most).encode(text, text_pair)
    return tokens_of(tokenizer, encoding, (text, text_pair or "")), len(whole) - len(encoding)


def too_many(found: int, special: int, most: int) -> TooManyTokens:
    counted = f" ({special} of them special ones)" if special else ""
    way_out = "shorten the text, or have its end cut off (truncate)"
    return TooManyTokens(f"{found:,} tokens{counted}: this model reads at most {most:,} here, so {way_out}")


def cutting(tokenizer: Tokenizer, most: int) -> Tokenizer:
    """The same tokenizer, cutting at `most` tokens: a copy, for others read with the original at the same time."""
    copied = Tokenizer.from_str(tokenizer.to_str())
    copied.enable_truncation(most)
    return copied


def tokens_of(tokenizer: Tokenizer, encoding: Encoding, texts: tuple[str, str]) -> tuple[Token, ...]:
    """What an encoding of these texts says of each token."""
    byte_level = isinstance(tokenizer.decoder, ByteLevel)
    labels = byte_level_labels(encoding, texts) if byte_level else [visible(token) for token in encoding.tokens]
    # Each property of an encoding makes a list of all tokens: asked once, not once a token.
    columns = (encoding.ids, labels, encoding.offsets, encoding.special_tokens_mask, encoding.type_ids)
    return tuple(token(n, *row) for n, row in enumerate(zip(*columns, strict=True)))


def token(n: int, token_id: int, label: str, span: tuple[int, int], special: int, segment: int) -> Token:
    start, end = (None, None) if special else span
    return Token(n, token_id, label, start, end, bool(special), segment)


def byte_level_labels(encoding: Encoding, texts: tuple[str, str]) -> list[str]:
    """Byte-level BPE can split a character: its parts are shown as that character with a number, `é[1/2]`."""
    spans = list(zip(encoding.type_ids, encoding.offsets, strict=True))
    sharing, seen = Counter(spans), Counter[object]()
    labels = []
    for token, span in zip(encoding.tokens, spans, strict=True):
        seen[span] += 1
        if not byte_of().keys() >= set(token):  # an added token is kept as it is written
            labels.append(visible(token))
            continue
        try:
            labels.append(visible(bytes(byte_of()[c] for c in token).decode()))
        except UnicodeDecodeError:
            segment, (start, end) = span
            labels.append(f"{visible(texts[segment][start:end])}[{seen[span]}/{sharing[span]}]")
    return labels


def visible(text: str) -> str:
    """The text with what is invisible shown: spaces as dots, others as code points, a leading mark on a circle."""
    shown = "".join(visible_character(character) for character in text)
    return DOTTED_CIRCLE + shown if text and unicodedata.category(text[0]) in COMBINING else shown


def visible_character(character: str) -> str:
    if character in VISIBLE:
        return VISIBLE[character]
    if unicodedata.category(character) in INVISIBLE:
        return f"⟨U+{ord(character):04X}⟩"
    return character
