"""Patterns and texts of known answers, for the tests of the scores."""

import numpy as np
import torch

from headscope.analysis.formulas.block import Block, text_of
from headscope.analysis.table import BY_NAME
from headscope.records import Token


def tokens_of(words):
    """One token a word; words alike have ids alike, and who comes later a higher one. [CLS], [SEP] are special."""
    ids = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return tuple(Token(index, ids[word], word, None, None, word.startswith("["), 0) for index, word in enumerate(words))


def score(name, pattern, words=None, causal=False, rows=None):
    """[h i] of one pattern [i j] or several [h i j]; of a part of its rows, as far as they see."""
    weights = torch.as_tensor(np.array(pattern), dtype=torch.float64)
    weights = weights if weights.ndim == 3 else weights[None]
    tokens = tokens_of(words or [str(place) for place in range(weights.shape[-1])])
    rows = rows or range(weights.shape[1])
    seen = rows.stop if causal else weights.shape[-1]
    block = Block(weights[:, rows.start : rows.stop, :seen], rows, text_of(tokens, causal))
    return BY_NAME[name].of(block).numpy()


def uniform(size, causal=False):
    allowed = np.tril(np.ones((size, size))) if causal else np.ones((size, size))
    return allowed / allowed.sum(-1, keepdims=True)


def shifted(size, offset):
    """Each query looks at the key so far from it; at itself where there is none."""
    places = np.arange(size)
    keys = np.where((places + offset >= 0) & (places + offset < size), places + offset, places)
    return np.eye(size)[keys]


def sink(size, share):
    """Each query gives this share to the first key, the rest to itself; the first gives all to itself."""
    return share * np.eye(size)[np.zeros(size, int)] + (1 - share) * np.eye(size)


def blocks(size, width):
    """Each query looks evenly at the keys of its block."""
    places = np.arange(size) // width
    return (places[:, None] == places) / width


def random_pattern(heads, size, causal, seed=0):
    drawn = np.random.default_rng(seed).exponential(size=(heads, size, size)) ** 3
    drawn = np.tril(drawn) if causal else drawn
    return drawn / drawn.sum(-1, keepdims=True)
