"""Try a tokenizer.json on several texts: whether it fails, makes far too many tokens, or tokens that are no ids.

That of a model which writes decodes each of its tokens as well.
"""

from tokenizers import Encoding, Tokenizer

from ...errors import CorruptModel, WeightsDoNotFit
from ..panics import failure_of
from .parts import MAX_TOKEN, check_parts

# A byte-level tokenizer makes up to 4 tokens of a character, and normalisation up to 18 characters.
TOKENS_PER_CHARACTER = 32
SPARE_TOKENS = 256
# Twice as many as the largest models have. The server stops while the library reads them: 0.17 s for 2**18.
MAX_VOCABULARY = 2**19
DECODED_TOGETHER = 9  # tokens: `WrittenTarget` decodes the last one with those before it
DECODED_AT_ONCE = 256  # groups of tokens, whose texts are in memory together

TEXTS = {
    "an empty text": "",
    "a sentence": "The old bird, which nobody had seen before, spoke in 1999; it's (not) a riddle!\n",
    "emoji and accents": "👩\u200d🚀 cafe\u0301 naïve 你好 مرحبا กำ ﬁ \x00\t\r\n\u200f",
    "each ASCII character": "".join(map(chr, range(128))),
    "one long word": "a" * 20_000 + "!",
    "many spaces": "x" + " " * 10_000 + "x",
    "many digits": "1" * 10_000,
    "much punctuation": "!?" * 5_000,
    "a long text": "It was the best of times; it was the worst of times (1859), été — 😀. " * 500,
}
WITH = "a pair with "
ORDINARY = {"an empty text", "a sentence", "a long text"}
PAIR = "The cat sat on the mat."


def try_tokenizer(data: bytes, *, embeddings: int, segments: int, pairs: bool, writes: bool = False) -> None:
    """Raises CorruptModel, UnsupportedModel, WeightsDoNotFit.

    embeddings: the number of token ids that the model has. segments: the number of segment ids. writes: whether the
    model writes tokens, which are decoded
    """
    try:
        tokenizer = Tokenizer.from_buffer(data)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        check_parts(tokenizer)
        check_vocabulary(tokenizer)
        for name, text in TEXTS.items():
            check_encoding(tokenizer, name, (text,), embeddings, 2)
            if pairs:
                check_encoding(tokenizer, f"{WITH}{name}", (text, PAIR), embeddings, min(segments, 2))
        if writes:
            check_decoding(tokenizer)
    except BaseException as error:
        if reason := failure_of(error):
            raise CorruptModel(f"tokenizer.json cannot be read: {reason}") from error
        raise


def check_vocabulary(tokenizer: Tokenizer) -> None:
    """Raises CorruptModel if the vocabulary is too large.

    Tokens without an embedding are no reason to refuse a model: a text that has one is refused when it is run.
    """
    count = tokenizer.get_vocab_size()
    if count > MAX_VOCABULARY:
        raise CorruptModel(f"tokenizer.json has {count:,} tokens: up to {MAX_VOCABULARY:,} are supported")


def without_embedding(found: str, embeddings: int) -> WeightsDoNotFit:
    return WeightsDoNotFit(f"tokenizer.json has {found}, config.json has embeddings for 0..{embeddings - 1}")


def check_encoding(tokenizer: Tokenizer, name: str, texts: tuple[str, ...], embeddings: int, segments: int) -> None:
    """Raises CorruptModel, WeightsDoNotFit."""
    encoding = encode(tokenizer, name, texts)
    most = SPARE_TOKENS + TOKENS_PER_CHARACTER * sum(map(len, texts))
    if len(encoding) > most:
        raise CorruptModel(f"tokenizer.json makes {len(encoding):,} tokens of {name}: at most {most:,} make sense")
    if name.removeprefix(WITH) in ORDINARY and (last := max(encoding.ids, default=0)) >= embeddings:
        raise without_embedding(f"the token {last} for {name}", embeddings)
    if (last := max(encoding.type_ids, default=0)) >= segments:
        raise CorruptModel(f"tokenizer.json gives {name} the segment {last}: this model has 0..{segments - 1}")


def encode(tokenizer: Tokenizer, name: str, texts: tuple[str, ...]) -> Encoding:
    try:
        [encoding] = tokenizer.encode_batch([texts[0] if len(texts) == 1 else texts])
        return encoding
    except BaseException as error:
        if reason := failure_of(error):
            raise CorruptModel(f"tokenizer.json fails on {name}: {reason}") from error
        raise


def check_decoding(tokenizer: Tokenizer) -> None:
    """Decode each token alone, and with others. Raises CorruptModel if that fails, or makes a text that is too long."""
    ids = sorted(set(tokenizer.get_vocab().values()))
    groups = [[], *([each] for each in ids)]
    groups += [ids[n : n + DECODED_TOGETHER] for n in range(0, len(ids), DECODED_TOGETHER)]
    for first in range(0, len(groups), DECODED_AT_ONCE):
        some = groups[first : first + DECODED_AT_ONCE]
        for group, text in zip(some, decode(tokenizer, some), strict=True):
            if len(text) > (most := max(1, len(group)) * (MAX_TOKEN + 1)):  # with a space in front of each token
                raise CorruptModel(
                    f"tokenizer.json decodes {len(group)} of its tokens to {len(text):,} characters: up to {most:,} "
                    "are supported"
                )


def decode(tokenizer: Tokenizer, groups: list[list[int]]) -> list[str]:
    """The text of each group of tokens. Raises CorruptModel."""
    try:
        return tokenizer.decode_batch(groups)
    except BaseException as error:
        if reason := failure_of(error):
            raise CorruptModel(
                f"tokenizer.json fails when it decodes tokens that the model can write: {reason}; repair its decoder"
            ) from error
        raise
