"""Capture -> its maps in words instead of tokens."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from ..capture.capture import Capture
from ..capture.windows import Window, head_tile, pooled_map, window
from ..errors import TooManyTokens
from ..records import Pool, Token
from .formulas.words import PART, Word, merged, spans, words

# The map of tokens that words are added up from is held whole, 64 MB.
MOST_TOKENS = 4096
SHOWN = str.maketrans("·↵␍⇥", "    ")


def words_of(capture: Capture) -> tuple[Word, ...]:
    return words_from(capture.tokens)


@lru_cache(maxsize=8)
def words_from(tokens: tuple[Token, ...]) -> tuple[Word, ...]:
    """A capture keeps its tokens and not its text: what is a word is read off them."""
    return tuple(words(tokens, [spans(again(tokens, segment)) for segment in (0, 1)]))


def again(tokens: Sequence[Token], segment: int) -> str:
    """The text of a segment as far as its tokens tell: where they do not, letters."""
    text: list[str] = []
    for token in tokens:
        if token.segment != segment or token.start is None or token.end is None:
            continue
        length, label = token.end - token.start, PART.sub("", token.text).removeprefix("##").translate(SHOWN)
        if len(label) > length:
            label = label.lstrip()
        text += " " * (token.end - len(text))
        text[token.start : token.end] = label if len(label) == length else "x" * length
    return "".join(text)


def check_size(capture: Capture) -> None:
    """Raises TooManyTokens."""
    if len(capture.tokens) > MOST_TOKENS:
        size = len(capture.tokens)
        raise TooManyTokens(f"{size:,} tokens: words are added up for at most {MOST_TOKENS:,}, so shorten the text")


def window_of_words(capture: Capture, layer: int, head: int, part: Window, pool: Pool) -> np.ndarray:
    """One head, [query key] in words, as is the window."""
    whole = window(len(capture.tokens), None, None, None)
    pattern = torch.from_numpy(head_tile(capture, layer, head, whole))
    return pooled_map(merged(pattern, words_of(capture)).numpy(), part, pool)
