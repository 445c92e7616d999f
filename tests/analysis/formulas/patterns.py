"""Patterns and their texts, made for tests: uniform, shifted, sinks, blocks, random."""

import numpy as np
import torch

from headscope.analysis.formulas.block import Block, text_of
from headscope.analysis.table import BY_NAME
from headscope.records import Token


def tokens_of(words):
    """One token per word. Equal words have equal ids; new words get higher ids. [CLS] and [SEP] are special."""
    ids = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return tuple(Token(index, ids[word], word, None, None, word.startswith("["), 0) for index, word in enumerate(words))


def score(name, pattern, words=None, causal=False, rows=None):
    """[h i], the score of one pattern [i j] or of several [h i j]; `rows` chooses some rows."""
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
    """Each query attends to the key at this offset, or to itself if there is none."""
    places = np.arange(size)
    keys = np.where((places + offset >= 0) & (places + offset < size), places + offset, places)
    return np.eye(size)[keys]


def sink(size, share):
    """Each query attends to the first key with this weight, and to itself with the rest."""
    return share * np.eye(size)[np.zeros(size, int)] + (1 - share) * np.eye(size)


def blocks(size, width):
    """Each query attends to the keys of its block with equal weights."""
    places = np.arange(size) // width
    return (places[:, None] == places) / width


def random_pattern(heads, size, causal, seed=0):
    drawn = np.random.default_rng(seed).exponential(size=(heads, size, size)) ** 3
    drawn = np.tril(drawn) if causal else drawn
    return drawn / drawn.sum(-1, keepdims=True)
