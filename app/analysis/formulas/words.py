"""Words instead of tokens: attention to a word is the sum over its tokens, from it the mean.

Clark et al. 2019, sec. 4.1. Rows still sum to 1. Axis letters: i query, j key, of tokens or of words.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...records import Token

# What the eye reads as one with the character before goes where that goes (Unicode annex 29, rule WB4). Python's \w
# leaves it out: words of Hindi would fall to pieces. One mark stands for all of them here.
JOINING = {"Mn", "Mc", "Me", "Cf"}
MARK = "\N{COMBINING ACUTE ACCENT}"
LETTERS = rf"\w[\w{MARK}]*"
# A run of letters and digits, with apostrophes within it, or any other character alone.
WORD = re.compile(rf"{LETTERS}(?:['’]{LETTERS})*|[^\w\s]{MARK}*")

# How a label ends where a character is split into several tokens: each is labelled with all of it.
PART = re.compile(r"\[\d+/\d+\]$")


@dataclass(frozen=True)
class Word:
    """The tokens [first, stop) that are one word, or a special token alone."""

    text: str
    first: int
    stop: int
    start: int | None
    end: int | None
    special: bool
    segment: int


def spans(text: str) -> list[tuple[int, int]]:
    """The places of the words of a text, in characters."""
    plain = "".join(MARK if unicodedata.category(character) in JOINING else character for character in text)
    return [match.span() for match in WORD.finditer(plain)]


def words(tokens: Sequence[Token], places: Sequence[Sequence[tuple[int, int]]]) -> list[Word]:
    """The words that these tokens make up; places: of the words of each segment, in order.

    A token belongs to the word in which it ends; one that ends in none, as a space of its own, stands alone.
    """
    found: list[Word] = []
    before: tuple[int, int | None] | None = None
    ends = [Finder(place) for place in places]
    for token in tokens:
        number = None if token.end is None else ends[token.segment](token.end)
        key = token.segment, number
        if number is not None and key == before:
            found[-1] = grown(found[-1], token)
        else:
            found.append(alone(token))
        before = key if number is not None else None
    return found


class Finder:
    """Which word a character's end lies in; asked in the order of the text."""

    def __init__(self, places: Sequence[tuple[int, int]]) -> None:
        self.places, self.at = places, 0

    def __call__(self, end: int) -> int | None:
        while self.at < len(self.places) and self.places[self.at][1] < end:
            self.at += 1
        inside = self.at < len(self.places) and self.places[self.at][0] < end
        return self.at if inside else None


def alone(token: Token) -> Word:
    return Word(token.text, token.index, token.index + 1, token.start, token.end, token.special, token.segment)


def grown(word: Word, token: Token) -> Word:
    same = token.end == word.end
    text = PART.sub("", word.text) if same else word.text + token.text.removeprefix("##")
    return Word(text, word.first, token.index + 1, word.start, token.end, False, word.segment)


def merged(pattern: Tensor, words: Sequence[Word]) -> Tensor:
    """[... i j] of tokens -> [... i j] of words."""
    sizes = torch.tensor([word.stop - word.first for word in words], device=pattern.device)
    word_of = torch.arange(len(words), device=pattern.device).repeat_interleave(sizes)
    of_queries = pattern.new_zeros(*pattern.shape[:-2], len(words), pattern.shape[-1]).index_add_(-2, word_of, pattern)
    found = pattern.new_zeros(*pattern.shape[:-2], len(words), len(words)).index_add_(-1, word_of, of_queries)
    return found / sizes[:, None]
