"""Words instead of tokens: attention to a word is the sum over its tokens, attention from it is their mean.

Clark et al. 2019, sec. 4.1. Rows still sum to 1. Axis letters: i query, j key, of tokens or of words.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...records import Token
from .word_breaks import end_with_marks, units

Span = tuple[int, int]


@dataclass(frozen=True)
class Word:
    """The tokens [first, stop) and the characters [start, end) of a word, or one special token without characters.

    text: these characters of the source text; of a special token, its label
    """

    text: str
    first: int
    stop: int
    start: int | None
    end: int | None
    special: bool
    segment: int


def words(tokens: Sequence[Token], texts: Sequence[str], spans: Sequence[Sequence[Span]] | None = None) -> list[Word]:
    """Group the tokens of these texts, one text per segment, into words.

    A token belongs to the unit of its text in which it ends: a word, a mark of punctuation, or a space. Tokens that
    share a character stay together. Each special token is a word of its own.

    spans: units to use instead of those of the texts; a token that ends in none of them is a word of its own
    """
    spans = [units(text) for text in texts] if spans is None else spans
    grouped: list[Word] = []
    last_unit = None
    for token in tokens:
        unit = None if token.end is None else span_at(spans[token.segment], token.end)
        if grouped and continues(grouped[-1], token, same_unit=unit is not None and unit == last_unit):
            grouped[-1] = extended(grouped[-1], token)
        else:
            grouped.append(single(token))
        last_unit = unit
    return with_texts(grouped, texts)


def span_at(spans: Sequence[Span], end: int) -> int | None:
    """The index of the span that the last character before `end` lies in."""
    index = bisect_left(spans, end, key=lambda span: span[1])
    return index if index < len(spans) and spans[index][0] < end else None


def single(token: Token) -> Word:
    return Word(token.text, token.index, token.index + 1, token.start, token.end, token.special, token.segment)


def continues(word: Word, token: Token, *, same_unit: bool) -> bool:
    if word.end is None or token.start is None or word.segment != token.segment:
        return False
    return same_unit or token.start < word.end


def extended(word: Word, token: Token) -> Word:
    places = [place for place in (word.start, word.end, token.start, token.end) if place is not None]
    return replace(word, stop=token.index + 1, start=min(places), end=max(places))


def with_texts(grouped: Sequence[Word], texts: Sequence[str]) -> list[Word]:
    """The words with their part of the source text, which includes marks at their end that no token has."""
    limits = [len(text) for text in texts]
    complete = []
    for word in reversed(grouped):
        if word.start is not None and word.end is not None:
            text, limit = texts[word.segment], limits[word.segment]
            end = end_with_marks(text, word.end, limit)
            complete.append(replace(word, text=text[word.start : end], end=end))
            limits[word.segment] = word.start
        else:
            complete.append(word)
    return complete[::-1]


def merged(pattern: Tensor, words: Sequence[Word], key_words: Sequence[Word] | None = None) -> Tensor:
    """[... i j] of tokens -> [... i j] of words.

    words: of the queries; key_words: of the keys, if they are tokens of another text
    """
    key_words = words if key_words is None else key_words
    of_query, of_key = word_numbers(words, pattern), word_numbers(key_words, pattern)
    shape = *pattern.shape[:-2], len(words)
    of_queries = pattern.new_zeros(*shape, pattern.shape[-1]).index_add_(-2, of_query, pattern)
    found = pattern.new_zeros(*shape, len(key_words)).index_add_(-1, of_key, of_queries)
    return found / of_query.bincount(minlength=len(words))[:, None]


def word_numbers(words: Sequence[Word], pattern: Tensor) -> Tensor:
    """[n], the number of the word that each token belongs to."""
    sizes = torch.tensor([word.stop - word.first for word in words], device=pattern.device)
    return torch.arange(len(words), device=pattern.device).repeat_interleave(sizes)
