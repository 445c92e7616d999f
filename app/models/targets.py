"""The text of a decoder over an encoder, as tokens that it reads: its start token, and then the text.

The decoder predicts each token of its text from those before it, so it reads the text shifted by one: a start token
first, and without the last token, which ends the text (transformers: `prepare_decoder_input_ids_from_labels`).
"""

from tokenizers.decoders import ByteLevel

from ..records import Target, Token
from .checker.parts import MAX_TOKEN
from .checker.trial import DECODED_TOGETHER
from .decoder_input import decoder_vocabulary, first_id, start_id
from .loading import LoadedModel
from .tokens import byte_of, decode, short_label, tokenize, too_many, visible

MOST_WRITTEN = 128  # tokens that a model writes, unless a setting says otherwise
CONTEXT = DECODED_TOGETHER - 1  # tokens before another one that its text can depend on
UNKNOWN_CHARACTER = "\N{REPLACEMENT CHARACTER}"  # how tokenizers decode a part of a character


def target_of(
    model: LoadedModel, text: str | None, max_tokens: int | None, most_written: int = MOST_WRITTEN
) -> tuple[Target | None, int]:
    """The target of a model, and how many tokens the model is to add to it at most, because no text is given.

    (None, 0) for a model without a decoder. Raises TargetNotSupported, TooManyTokens, EmptyText.
    """
    card = model.card
    if not card.has_decoder:
        card.check_target(text)
        return None, 0
    most = min(filter(None, (card.max_target, max_tokens)))
    if text is not None:
        return Target(given(model, text, most), text), 0
    start = (start_token(model, start_id(model.adopted)),)
    writes = model.adopted.model.can_generate()
    return Target(start, written=writes), min(most_written, most - 1) if writes else 0


def given(model: LoadedModel, text: str, most: int) -> tuple[Token, ...]:
    """The start token and the tokens of the text, without the special token at its end, which no decoder reads."""
    embeddings = decoder_vocabulary(model.adopted)
    labels, _ = tokenize(model.tokenizer, text, None, pairs=False, embeddings=embeddings)
    read = labels[:-1] if labels[-1].special else labels
    if len(read) + 1 > most:
        raise too_many(len(read) + 1, 1, most, "target")
    start = start_token(model, first_id(model.adopted, [token.id for token in labels]))
    return (start, *(moved(token, number) for number, token in enumerate(read, 1)))


def moved(token: Token, index: int) -> Token:
    return Token(index, token.id, token.text, token.start, token.end, token.special, token.segment)


def start_token(model: LoadedModel, number: int) -> Token:
    return Token(0, number, short_label(visible(model.tokenizer.id_to_token(number) or "⟨start⟩")), None, None, True, 0)


class WrittenTarget:
    """The target that a model writes, one token after the other.

    The text may become other tokens when it is encoded, so these are made from the ids.
    """

    def __init__(self, model: LoadedModel) -> None:
        self.tokenizer = model.tokenizer
        self.special = {number for number, token in self.tokenizer.get_added_tokens_decoder().items() if token.special}
        self.byte_level = isinstance(self.tokenizer.decoder, ByteLevel)
        self.tokens = [start_token(model, start_id(model.adopted))]
        self.ids: list[int] = []
        self.text = ""

    def add(self, number: int) -> None:
        """A token adds what the text of the last few tokens has more with it than without it.

        At most MAX_TOKEN characters: a decoder of a stranger can make any text of several tokens.
        """
        last, start = self.ids[-CONTEXT:], len(self.text)
        self.text += self.decoded([*last, number]).removeprefix(self.decoded(last))[:MAX_TOKEN]
        self.ids.append(number)
        is_special = number in self.special
        span: tuple[int | None, int | None] = (None, None) if is_special else (start, len(self.text))
        label = label_of(self.tokenizer.id_to_token(number) or "", byte_level=self.byte_level)
        self.tokens.append(Token(len(self.tokens), number, label, *span, is_special, 0))

    def decoded(self, ids: list[int]) -> str:
        """Without the part of a character at the end."""
        return decode(self.tokenizer, ids).rstrip(UNKNOWN_CHARACTER)

    @property
    def target(self) -> Target:
        return Target(tuple(self.tokens), self.text, written=True)


def label_of(token: str, *, byte_level: bool) -> str:
    """Its label; a token of a byte-level BPE that is part of a character has that of its bytes."""
    if byte_level and byte_of().keys() >= set(token):
        token = bytes(byte_of()[character] for character in token).decode(errors="replace")
    return short_label(visible(token))
