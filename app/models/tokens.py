"""Text to tokens: ids for the model; and the label, place and segment of each token for people."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from sys import maxsize

from tokenizers import Encoding, Tokenizer
from tokenizers.decoders import ByteLevel
from tokenizers.processors import PostProcessor
from tokenizers.processors import Sequence as PostProcessors
from transformers.convert_slow_tokenizer import bytes_to_unicode

from ..errors import CorruptModel, EmptyText, TooManyTokens, WeightsDoNotFit
from ..records import Token, check_pair
from .panics import failure_of

VISIBLE = {" ": "·", "\n": "↵", "\r": "␍", "\t": "⇥"}
# Control and format characters, line and paragraph separators, private use, unassigned, spaces: these show nothing,
# and some of them change the direction of the text around them.
INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Co", "Cn", "Zs"}
COMBINING = {"Mn", "Me", "Mc"}
# Of a label in UTF-8. Of a longer one, SHOWN_BYTES are shown.
MAX_LABEL_BYTES, SHOWN_BYTES, BYTES_PER_CHARACTER = 200, 160, 4
DOTTED_CIRCLE = "\N{DOTTED CIRCLE}"


@cache
def byte_of() -> dict[str, int]:
    """The byte that each printable character stands for in a byte-level vocabulary (GPT-2)."""
    return {character: byte for byte, character in bytes_to_unicode().items()}


def read_tokenizer(data: bytes) -> Tokenizer:
    """The tokenizer of a tokenizer.json, without its truncation, padding, dropout and trimming. Raises CorruptModel."""
    try:
        tokenizer = Tokenizer.from_buffer(data)
    except BaseException as error:
        if reason := failure_of(error):
            raise CorruptModel(f"tokenizer.json cannot be read: {reason}") from error
        raise
    # Tokenizers of sentence encoders truncate at 128 tokens. Here a text is truncated only on request.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # Dropout of merges would give other tokens at each run.
    if getattr(tokenizer.model, "dropout", None) is not None:
        tokenizer.model.dropout = None
    # Trimmed offsets leave out spaces, and a token that is only a space would have no characters at all.
    for processor in processors_of(tokenizer.post_processor):
        if hasattr(processor, "trim_offsets"):
            processor.trim_offsets = False
    return tokenizer


def processors_of(processor: PostProcessor | None) -> Iterator[PostProcessor]:
    if isinstance(processor, PostProcessors):
        for part in iter(processor):  # it has __getitem__ alone
            yield from processors_of(part)
    elif processor is not None:
        yield processor


def tokenize(
    tokenizer: Tokenizer,
    text: str,
    text_pair: str | None,
    *,
    pairs: bool,
    most: int = maxsize,
    truncate: bool = False,
    embeddings: int = maxsize,
) -> tuple[tuple[Token, ...], int]:
    """The tokens of a text or of a pair of texts, and the number of tokens that were cut off.

    pairs: whether the model reads pairs. most: the largest number of tokens, with special tokens. truncate: cut the end
    of the longer text instead of raising TooManyTokens. embeddings: the number of token ids that the model has.
    Raises EmptyText, TooManyTokens; CorruptModel and WeightsDoNotFit if the tokenizer fails.
    """
    check_pair(text_pair, pairs)
    whole = encode(tokenizer, text, text_pair)
    if not len(whole):
        raise EmptyText("this model's tokenizer makes no tokens from this text: send another text")
    fits = len(whole) <= most
    special = tokenizer.num_special_tokens_to_add(text_pair is not None)
    if not fits and (not truncate or most <= special):
        raise too_many(len(whole), special, most)
    encoding = whole if fits else encode_truncated(tokenizer, text, text_pair, most - special)
    check_ids(encoding, embeddings)
    return tokens_of(tokenizer, encoding, (text, text_pair or "")), len(whole) - len(encoding)


def check_ids(encoding: Encoding, embeddings: int) -> None:
    """Raises WeightsDoNotFit, CorruptModel for ids that the model does not have."""
    if (last := max(encoding.ids)) >= embeddings:
        raise WeightsDoNotFit(
            f"tokenizer.json makes the token {last}, config.json has embeddings for 0..{embeddings - 1}"
        )
    if (last := max(encoding.type_ids)) > 1:
        raise CorruptModel(f"tokenizer.json gives a token the segment {last}: there are 0 and 1")


def too_many(found: int, special: int, most: int, what: str = "text") -> TooManyTokens:
    counted = f", {special} of them special" if special else ""
    way_out = "shorten the text, or set truncate to cut off its end" if what == "text" else f"shorten the {what}"
    return TooManyTokens(f"The {what} has {found:,} tokens{counted}. This model reads at most {most:,}: {way_out}.")


def encode(tokenizer: Tokenizer, text: str, text_pair: str | None = None, *, special: bool = True) -> Encoding:
    """The same as `tokenizer.encode`, which holds the GIL, so that all threads wait: 0.3 s for 200,000 emoji.

    `encode_batch` releases it. special: add special tokens.
    """
    given = text if text_pair is None else (text, text_pair)
    try:
        (encoding,) = tokenizer.encode_batch([given], add_special_tokens=special)
    except TypeError:  # not a text
        raise
    except BaseException as error:
        if failure_of(error):  # which can contain the text, so it is not passed on
            raise CorruptModel("the tokenizer of this model fails on this text: repair its tokenizer.json") from None
        raise
    return encoding


def decode(tokenizer: Tokenizer, ids: list[int]) -> str:
    """The text of tokens that the model writes. Raises CorruptModel."""
    try:
        return tokenizer.decode(ids)
    except BaseException as error:
        if failure_of(error):
            raise CorruptModel(
                "the tokenizer of this model fails on what the model writes: repair the decoder in its "
                "tokenizer.json, or send a target"
            ) from None
        raise


def encode_truncated(tokenizer: Tokenizer, text: str, text_pair: str | None, room: int) -> Encoding:
    """The encoding without the end of the longer text; `room` is the number of tokens that are not special.

    The same as `tokenizer.enable_truncation` and `encode`, but other threads use this tokenizer at the same time.
    """
    first = encode(tokenizer, text, special=False)
    if text_pair is None:
        first.truncate(room)
        return tokenizer.post_process(first)
    second = encode(tokenizer, text_pair, special=False)
    shorter = min(len(first), len(second), room // 2)
    sizes = (shorter, room - shorter) if len(first) <= len(second) else (room - shorter, shorter)
    first.truncate(sizes[0])
    second.truncate(sizes[1])
    return tokenizer.post_process(first, second)


def tokens_of(tokenizer: Tokenizer, encoding: Encoding, texts: tuple[str, str]) -> tuple[Token, ...]:
    byte_level = isinstance(tokenizer.decoder, ByteLevel)
    labels = (
        byte_level_labels(tokenizer, encoding, texts) if byte_level else [visible(token) for token in encoding.tokens]
    )
    labels = [short_label(label) for label in labels]
    # Each property of an encoding builds a list of all tokens, so each is read only once.
    columns = (encoding.ids, labels, encoding.offsets, encoding.special_tokens_mask, encoding.type_ids)
    return tuple(token(n, *row) for n, row in enumerate(zip(*columns, strict=True)))


def token(n: int, token_id: int, label: str, span: tuple[int, int], special: int, segment: int) -> Token:
    start, end = (None, None) if special else span
    return Token(n, token_id, label, start, end, bool(special), segment)


def byte_level_labels(tokenizer: Tokenizer, encoding: Encoding, texts: tuple[str, str]) -> list[str]:
    """The tokens of a byte-level BPE as text. A token that is part of a character gets it with a number: `é[1/2]`."""
    spans = list(zip(encoding.type_ids, encoding.offsets, strict=True))
    sharing, seen = Counter(spans), Counter[object]()
    in_vocabulary = cache(tokenizer.model.id_to_token)
    labels = []
    for number, token, span in zip(encoding.ids, encoding.tokens, spans, strict=True):
        seen[span] += 1
        segment, (start, end) = span
        place = texts[segment][start:end]
        # An added token is stored as plain text. It can have the id of a token that stands for bytes.
        if in_vocabulary(number) is None or (token == place and sharing[span] == 1):
            labels.append(visible(token))
            continue
        try:
            labels.append(visible(bytes(byte_of()[c] for c in token).decode()))
        except KeyError:  # no byte: an added token
            labels.append(visible(token))
        except UnicodeDecodeError:
            labels.append(f"{visible(place)}[{seen[span]}/{sharing[span]}]")
    return labels


def short_label(label: str) -> str:
    """The label, or its beginning and its length: a foreign tokenizer can have very long tokens."""
    if len(label) <= MAX_LABEL_BYTES // BYTES_PER_CHARACTER or len(data := label.encode()) <= MAX_LABEL_BYTES:
        return label
    return f"{data[:SHOWN_BYTES].decode('utf-8', 'ignore')}… ({len(label):,} characters)"


def visible(text: str, *, unchanged: str = "") -> str:
    """The text with invisible characters shown: spaces as dots, others as code points.

    A combining mark at the start gets a dotted circle to stand on. Characters of `unchanged` stay as they are.
    """
    shown = "".join(character if character in unchanged else visible_character(character) for character in text)
    return DOTTED_CIRCLE + shown if text and unicodedata.category(text[0]) in COMBINING else shown


def visible_character(character: str) -> str:
    if character in VISIBLE:
        return VISIBLE[character]
    if unicodedata.category(character) in INVISIBLE:
        return f"⟨U+{ord(character):04X}⟩"
    return character
